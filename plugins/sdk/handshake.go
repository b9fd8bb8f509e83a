package sdk

import (
	"context"
	"fmt"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// ProtocolVersion is the version of the conversation in proto/gameday.proto. It changes when an older host or plugin
// would misunderstand a newer one, and not when something is added.
const ProtocolVersion = 1

// MaxMessage bounds one message in either direction, in bytes. What is larger is refused with ErrTooLarge.
const MaxMessage = 16 << 20

// The cookie tells a plugin that gameday started it. It is a courtesy to people, not a secret.
const (
	CookieKey   = "GAMEDAY_PLUGIN_COOKIE"
	CookieValue = "6f1d6c1d-gameday-1f0a"
)

// SocketsPrefix begins the name of the directory in which one gameday's plugins have their sockets.
const SocketsPrefix = "gameday-sockets-"

// transportName is the one plugin of go-plugin's plugin set.
const transportName = "gameday"

// Handshake is what host and plugin must agree on before they talk.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		ProtocolVersion: ProtocolVersion, MagicCookieKey: CookieKey, MagicCookieValue: CookieValue,
	}
}

// HostPlugins is the plugin set with which a host connects.
func HostPlugins() map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{ProtocolVersion: {transportName: &transport{}}}
}

// DialOptions bound the messages on the host's side.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage)),
	}
}

// Connect returns the gRPC connection of a plugin that go-plugin has started.
func Connect(c plugin.ClientProtocol) (*grpc.ClientConn, error) {
	raw, err := c.Dispense(transportName)
	if err != nil {
		return nil, fmt.Errorf("connecting to the plugin: %w", err)
	}
	conn, ok := raw.(*grpc.ClientConn)
	if !ok {
		return nil, fmt.Errorf("connecting to the plugin: unexpected %T", raw)
	}
	return conn, nil
}

// transport joins a Session to go-plugin's gRPC server, and hands the host its connection.
type transport struct {
	plugin.NetRPCUnsupportedPlugin
	session *Session
}

func (t *transport) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	t.session.Register(s)
	return nil
}

func (t *transport) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

func serverOptions() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.MaxRecvMsgSize(MaxMessage), grpc.MaxSendMsgSize(MaxMessage)}
}
