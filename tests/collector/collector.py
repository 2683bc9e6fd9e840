"""A collector of spans: gRPC's own server, and OpenTelemetry's own reading of what arrives, one JSON line a call.

With the files of a key and a certificate it listens by TLS.
"""

import concurrent.futures
import json
import pathlib
import sys

import grpc
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


class Service(trace_service_pb2_grpc.TraceServiceServicer):
    def Export(self, request, context):
        print("EXPORT " + json.dumps(MessageToDict(request)), flush=True)
        return trace_service_pb2.ExportTraceServiceResponse()


server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=2))
trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Service(), server)
if len(sys.argv) > 1:
    pair = tuple(pathlib.Path(name).read_bytes() for name in sys.argv[1:3])
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
else:
    port = server.add_insecure_port("127.0.0.1:0")
print(f"listening on {port}", flush=True)
server.start()
server.wait_for_termination()
