package proxy

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/rs/zerolog"

	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/api"
	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/server"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

const usage = `gameday-plugin-proxy is a plugin: gameday starts it. See what it offers with: gameday plugin docs proxy
It is a Toxiproxy as well, which runs until it is told to end (SIGINT, SIGTERM) and then closes its proxies:

    gameday-plugin-proxy serve -proxy NAME=LISTEN,UPSTREAM ...
`

// Main runs the binary and returns its exit code. Without arguments it is the plugin, and does not return.
func Main(args []string, out, errOut io.Writer) int {
	if len(args) == 0 {
		sdk.Serve(New())
	}
	if args[0] != "serve" {
		fmt.Fprint(errOut, usage)
		return 2
	}
	o := server.Options{Log: errOut}
	flags := flag.NewFlagSet("gameday-plugin-proxy serve", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.StringVar(&o.API, "api", strings.TrimPrefix(defaultURL, "http://"), "where the HTTP interface listens, `host:port`; whoever reaches it may do anything")
	flags.StringVar(&o.Config, "config", "", "a `file` with proxies, as toxiproxy-server takes it")
	flags.Func("proxy", "a proxy, `NAME=LISTEN,UPSTREAM`; may be repeated", func(s string) error { return addProxy(&o, s) })
	if err := flags.Parse(args[1:]); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil || flags.NArg() > 0 {
		fmt.Fprint(errOut, usage)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, o, out); err != nil {
		fmt.Fprintf(errOut, "gameday-plugin-proxy: error: %v\n", err)
		return 1
	}
	return 0
}

func addProxy(o *server.Options, s string) error {
	name, ways, _ := strings.Cut(s, "=")
	listen, to, ok := strings.Cut(ways, ",")
	if name == "" || listen == "" || to == "" || !ok {
		return errors.New("write NAME=LISTEN,UPSTREAM, such as db=127.0.0.1:15432,10.0.0.7:5432")
	}
	o.Proxies = append(o.Proxies, api.Proxy{Name: name, Listen: listen, Upstream: to})
	return nil
}

// serve says what listens where, and then answers until ctx ends.
func serve(ctx context.Context, o server.Options, out io.Writer) error {
	zerolog.SetGlobalLevel(zerolog.ErrorLevel) // some toxics tell every step to a logger of the whole program
	s, err := server.Listen(o)
	if err != nil {
		return err
	}
	s.Report(out)
	return s.Serve(ctx)
}
