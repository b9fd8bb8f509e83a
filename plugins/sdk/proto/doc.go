// Package proto is the generated gRPC code of the conversation between gameday and a plugin.
package proto

//go:generate protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative gameday.proto
