"""A collector of spans: gRPC's own server, and OpenTelemetry's own reading of what arrives, one JSON line a call."""

import concurrent.futures

import grpc
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
import json


class Service(trace_service_pb2_grpc.TraceServiceServicer):
    def Export(self, request, context):
        print("EXPORT " + json.dumps(MessageToDict(request)), flush=True)
        return trace_service_pb2.ExportTraceServiceResponse()


server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=2))
trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Service(), server)
print(f"listening on {server.add_insecure_port('127.0.0.1:0')}", flush=True)
server.start()
server.wait_for_termination()
