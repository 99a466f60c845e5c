// Generates static/src/gen from the .proto files, with the protoc of grpcio-tools and protoc-gen-es.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";

const python = existsSync(".venv/bin/python") ? ".venv/bin/python" : "python3";
const out = "static/src/gen";
const rpc = execFileSync(python, ["-c", "import google.rpc; print(list(google.rpc.__path__)[0])"], { encoding: "utf8" });
const protos = readdirSync("gateway/proto").filter((name) => name.endsWith(".proto"));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
execFileSync(
  python,
  [
    "-m",
    "grpc_tools.protoc",
    "-I.",
    `-I${rpc.trim().replace(/google\/rpc$/, "")}`,
    "--plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es",
    `--es_out=${out}`,
    "--es_opt=target=ts",
    ...protos.map((name) => `gateway/proto/${name}`),
    "google/rpc/error_details.proto",
  ],
  { stdio: "inherit" },
);
