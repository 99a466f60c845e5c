"""The services of the admin API: translate, call once, translate. One set for Sonora and for grpc.aio."""

from typing import Any

from gateway.proto import (
    audit_pb2_grpc,
    certificate_pb2_grpc,
    dataplane_pb2_grpc,
    registry_pb2_grpc,
    traffic_pb2_grpc,
    transparency_pb2_grpc,
)
from gateway.rpc.servicers.audit import AuditServicer
from gateway.rpc.servicers.certificate import CertificateServicer
from gateway.rpc.servicers.dataplane import DataPlaneServicer
from gateway.rpc.servicers.enrolment import EnrolmentServicer
from gateway.rpc.servicers.registry import RegistryServicer
from gateway.rpc.servicers.traffic import TrafficServicer
from gateway.rpc.servicers.transparency import TransparencyServicer

SERVICES = (
    "governor.admin.v1.RegistryService",
    "governor.admin.v1.TrafficService",
    "governor.admin.v1.DataPlaneService",
    "governor.admin.v1.AuditService",
    "governor.admin.v1.CertificateService",
    "governor.admin.v1.EnrolmentService",
    "governor.admin.v1.TransparencyService",
)


def add_all(server: Any) -> None:
    """Register every service on a grpc.aio server or on the gRPC-Web edge."""
    registry_pb2_grpc.add_RegistryServiceServicer_to_server(RegistryServicer(), server)
    traffic_pb2_grpc.add_TrafficServiceServicer_to_server(TrafficServicer(), server)
    dataplane_pb2_grpc.add_DataPlaneServiceServicer_to_server(DataPlaneServicer(), server)
    audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditServicer(), server)
    certificate_pb2_grpc.add_CertificateServiceServicer_to_server(CertificateServicer(), server)
    certificate_pb2_grpc.add_EnrolmentServiceServicer_to_server(EnrolmentServicer(), server)
    transparency_pb2_grpc.add_TransparencyServiceServicer_to_server(TransparencyServicer(), server)
