package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// trouble is how the plugin misbehaves: GAMEDAY_TEST_MISBEHAVE is crash:CALL, panic:CALL, protocol or garbage. Where
// GAMEDAY_TEST_ONCE names a file, it does so only until that file is there, and makes it.
type trouble struct{ how, call, once string }

func misbehaviour() trouble {
	how, call, _ := strings.Cut(os.Getenv("GAMEDAY_TEST_MISBEHAVE"), ":")
	return trouble{how: how, call: call, once: os.Getenv("GAMEDAY_TEST_ONCE")}
}

func (t trouble) at(call string) {
	if t.how == "" || t.call != call {
		return
	}
	if t.once != "" {
		if _, err := os.Stat(t.once); err == nil {
			return
		}
		if err := os.WriteFile(t.once, nil, 0o600); err != nil {
			panic(err)
		}
	}
	if t.how == "panic" {
		panic("the author did not think of this")
	}
	fmt.Fprintf(os.Stderr, "crashing at %s\n", call)
	os.Exit(7)
}

func (t trouble) beforeServing() {
	switch t.how {
	case "garbage":
		fmt.Println("Hello, I am some other program.")
		os.Exit(0)
	case "protocol":
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: 99, MagicCookieKey: sdk.CookieKey, MagicCookieValue: sdk.CookieValue},
			Plugins:         plugin.PluginSet{}, GRPCServer: plugin.DefaultGRPCServer, Logger: hclog.NewNullLogger(),
		})
		os.Exit(0)
	}
	t.at("start")
}
