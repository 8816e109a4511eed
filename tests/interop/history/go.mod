module mq/tests/interop/history

go 1.26.0
