// The admin API over gRPC-Web, and what its refusals say.
import { type DescMessage, type DescMethodUnary, type MessageInitShape, create, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { CertificateService } from "./gen/gateway/proto/certificate_pb";
import { MutationSchema } from "./gen/gateway/proto/common_pb";
import { RegistryService } from "./gen/gateway/proto/registry_pb";
import { TrafficService } from "./gen/gateway/proto/traffic_pb";
import { TransparencyService } from "./gen/gateway/proto/transparency_pb";
import { BadRequestSchema } from "./gen/google/rpc/error_details_pb";

const transport = createGrpcWebTransport({ baseUrl: location.origin, useBinaryFormat: true });

export const registry = createClient(RegistryService, transport);
export const pki = createClient(CertificateService, transport);
export const traffic = createClient(TrafficService, transport);
export const transparency = createClient(TransparencyService, transport);

export interface Refusal {
  stale: boolean;
  message: string;
  fields: Map<string, string>;
}

// What went wrong, per field where the server names fields.
export function refusalOf(error: unknown): Refusal {
  const said = ConnectError.from(error);
  const fields = new Map<string, string>();
  for (const detail of said.findDetails(BadRequestSchema)) {
    for (const { field, description } of detail.fieldViolations) {
      fields.set(field.replace(/^(balancing|spec)\./, ""), description);
    }
  }
  return { stale: said.code === Code.Aborted, message: said.rawMessage || said.message, fields };
}

export function mutation(reason: string, more: MessageInitShape<typeof MutationSchema> = {}) {
  return create(MutationSchema, { reason, requestId: crypto.randomUUID(), ...more });
}

// The same call as a command line; the request id is left out so that it can be pasted more than once.
export function asGrpcurl<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  message: MessageInitShape<I>,
): string {
  const json = toJson(method.input, create(method.input, message)) as Record<string, unknown>;
  const terms = json["mutation"] as Record<string, unknown> | undefined;
  if (terms) delete terms["requestId"];
  const body = JSON.stringify(json).replaceAll("'", "'\\''");
  const { grpcAddr: address = "", grpcTls } = document.body.dataset;
  const door = grpcTls === "plaintext" ? "-plaintext" : "-cacert ca.crt -cert tls.crt -key tls.key";
  return `grpcurl ${door} -H "authorization: Bearer $GOV_TOKEN" \\\n  -d '${body}' \\\n  ${address} ${method.parent.typeName}/${method.name}`;
}
