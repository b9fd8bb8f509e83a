// Package node runs one zone's NATS JetStream server inside this process.
package node
