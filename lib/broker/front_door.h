#pragma once

namespace mq::broker {

struct Request;
class Responder;
class ShardServices;

/// Finds the API of `request` and starts it; answers unknown versions as Kafka does. On the shard of the connection.
void serve(ShardServices& home, Request request, Responder responder);

}  // namespace mq::broker
