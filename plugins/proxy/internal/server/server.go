package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/gameday-toolkit/gameday/plugins/proxy/internal/api"
)

// Options say what a server begins with.
type Options struct {
	// API is where the interface listens, host:port.
	API string
	// Config is a file with proxies, as toxiproxy-server takes it.
	Config string
	// Proxies are more of them.
	Proxies []api.Proxy
	// Log takes what Toxiproxy has to say; nil for nobody.
	Log io.Writer
}

// Server is a Toxiproxy with a clock.
type Server struct {
	toxiproxy *toxiproxy.ApiServer
	http      *http.Server
	listener  net.Listener
	clock     *clock
}

// Listen makes the proxies and opens the interface. Nothing is answered until Serve.
func Listen(o Options) (*Server, error) {
	logger := zerolog.Nop()
	if o.Log != nil {
		logger = zerolog.New(o.Log).Level(zerolog.ErrorLevel).With().Timestamp().Logger()
	}
	s := &Server{toxiproxy: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), logger)}
	s.clock = newClock(s.toxiproxy.Collection)
	if err := s.populate(o); err != nil {
		return nil, errors.Join(err, s.toxiproxy.Collection.Clear())
	}
	var err error
	if s.listener, err = net.Listen("tcp", o.API); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the interface: %w", err), s.toxiproxy.Collection.Clear())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api.ClockPath, s.clock.describe)
	mux.HandleFunc("POST "+api.RenewPath, s.clock.renewed)
	mux.Handle("/", s.toxiproxy.Routes())
	s.http = &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	return s, nil
}

// populate makes the proxies: all of them, or it is an error.
func (s *Server) populate(o Options) error {
	if o.Config != "" {
		f, err := os.Open(o.Config)
		if err != nil {
			return fmt.Errorf("reading the proxies: %w", err)
		}
		_, err = s.toxiproxy.Collection.PopulateJson(s.toxiproxy, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("making the proxies of %s: %w", o.Config, err)
		}
	}
	for _, p := range o.Proxies {
		made := toxiproxy.NewProxy(s.toxiproxy, p.Name, p.Listen, p.Upstream)
		if err := s.toxiproxy.Collection.Add(made, true); err != nil {
			return fmt.Errorf("making the proxy %s: %w", p.Name, err)
		}
	}
	return nil
}

// Addr is where the interface listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Report says what listens where.
func (s *Server) Report(out io.Writer) {
	proxies := s.toxiproxy.Collection.Proxies()
	for _, name := range slices.Sorted(maps.Keys(proxies)) {
		fmt.Fprintf(out, "proxy %s from %s to %s\n", name, proxies[name].Listen, proxies[name].Upstream)
	}
	fmt.Fprintf(out, "the Toxiproxy answers at http://%s\n", s.Addr())
}

// Serve answers until ctx ends. Then every proxy is closed, and with it what goes through it.
func (s *Server) Serve(ctx context.Context) error {
	ticking, stop := context.WithCancel(ctx)
	var over sync.WaitGroup
	over.Go(func() { s.clock.run(ticking) })
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		err = s.http.Shutdown(grace)
		cancel()
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
	}
	stop()
	err = errors.Join(err, s.toxiproxy.Collection.Clear()) // which frees a removal that waits for a client
	over.Wait()
	return err
}

func (c *clock) describe(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(api.Clock{Expiry: expiry}) // a client that is gone has no use for an error
}

func (c *clock) renewed(w http.ResponseWriter, r *http.Request) {
	var in api.Renewal
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !c.renew(in.Toxic, in.For) {
		http.Error(w, "no toxic of that name", http.StatusNotFound)
	}
}
