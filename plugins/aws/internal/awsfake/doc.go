// Package awsfake is an HTTP server that keeps state and answers for AWS in tests, in AWS's own wire protocols.
//
// One file for each service: a map of operations, and the service's part of the state. Everything else is in server.go: which
// service and operation a request is for, credentials, errors in the shape of the protocol, request IDs, and the knobs
// with which a test makes AWS throttle, deny, expire, fail, lag or fall silent (knobs.go).
//
// To add a service: write its file with a state struct (all fields exported, so that an older copy can be kept for reads that
// lag) and its operations; name both in state.go.
package awsfake
