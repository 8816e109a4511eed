#!/bin/sh
# Replication and controller in small, all orders of events (docs/testing.md, "A small model").
exec "$MQ_BUILD/tests/model/mq_small_model" --states 300000
