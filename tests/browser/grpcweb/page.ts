// Calls the same service with both clients, and tells the test how each call ended.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { GrpcWebClientBase, MethodDescriptor, type RpcError } from "grpc-web";
import { Echo, type Text, TextSchema } from "echo";

interface Ended {
  code: number;
  message: string;
  texts: string[];
  details: string[];
  trailers: Record<string, string>;
}

type Calls = (method: string, text: string, leaveAfter?: number, timeoutMs?: number) => Promise<Ended>;

const target = new URLSearchParams(location.search).get("target") ?? location.origin;
const streams = ["Count", "Idle", "FailLate"];
const ended = (): Ended => ({ code: 0, message: "", texts: [], details: [], trailers: {} });

function connect(useBinaryFormat: boolean): Calls {
  const client = createClient(Echo, createGrpcWebTransport({ baseUrl: target, useBinaryFormat }));
  return async (method, text, leaveAfter, timeoutMs) => {
    const result = ended();
    const leave = new AbortController();
    const onTrailer = (trailers: Headers) => trailers.forEach((value, name) => (result.trailers[name] = value));
    const options = { signal: leave.signal, timeoutMs, onTrailer };
    try {
      if (method === "Say") result.texts.push((await client.say({ text }, options)).text);
      else if (method === "Fail") result.texts.push((await client.fail({ text }, options)).text);
      else {
        const name = (method[0].toLowerCase() + method.slice(1)) as "count" | "idle" | "failLate";
        for await (const message of client[name]({ text }, options)) {
          result.texts.push(message.text);
          if (result.texts.length === leaveAfter) leave.abort();
        }
      }
    } catch (error) {
      const refusal = ConnectError.from(error);
      result.code = refusal.code as Code;
      result.message = refusal.rawMessage;
      result.details = refusal.details.map((detail) => ("type" in detail ? detail.type : detail.desc.typeName));
    }
    return result;
  };
}

function official(format: "text" | "binary"): Calls {
  const client = new GrpcWebClientBase({ format });
  const descriptor = (method: string) =>
    new MethodDescriptor<Text, Text>(
      `/test.v1.Echo/${method}`,
      streams.includes(method) ? "server_streaming" : "unary",
      Object as never,
      Object as never,
      (request: Text) => toBinary(TextSchema, request),
      (bytes: Uint8Array) => fromBinary(TextSchema, bytes),
    );
  return (method, text, leaveAfter, timeoutMs) =>
    new Promise((resolve) => {
      const result = ended();
      const url = `${target}/test.v1.Echo/${method}`;
      const metadata: Record<string, string> = timeoutMs ? { deadline: String(Date.now() + timeoutMs) } : {};
      const request = create(TextSchema, { text });
      const fail = (error: RpcError) => {
        result.code = error.code;
        result.message = error.message;
        result.details = error.metadata["grpc-status-details-bin"] ? ["grpc-status-details-bin"] : [];
        resolve(result);
      };
      if (!streams.includes(method)) {
        client.unaryCall(url, request, metadata, descriptor(method)).then((answer: Text) => {
          result.texts.push(answer.text);
          resolve(result);
        }, fail);
        return;
      }
      const stream = client.serverStreaming(url, request, metadata, descriptor(method));
      stream.on("data", (answer) => {
        result.texts.push(answer.text);
        if (result.texts.length === leaveAfter) {
          stream.cancel();
          resolve(result);
        }
      });
      stream.on("status", (status) => (result.trailers = status.metadata ?? {}));
      stream.on("error", fail);
      stream.on("end", () => resolve(result));
    });
}

const clients: Record<string, Calls> = {
  "connect-web": connect(true),
  "grpc-web, text": official("text"),
  "grpc-web, binary": official("binary"),
};

Object.assign(window, { calls: (client: string, ...rest: Parameters<Calls>) => clients[client](...rest) });
