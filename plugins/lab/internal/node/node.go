package node

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gameday-toolkit/gameday/plugins/lab/internal/labdir"
	"github.com/gameday-toolkit/gameday/plugins/lab/internal/layout"
)

// How soon a node notices that a peer hangs. NATS' own defaults are minutes.
const (
	pingInterval = time.Second
	maxPingsOut  = 2
)

// Limits on what a node may hold, so that a forgotten lab cannot fill a disk.
const (
	maxMemory = 64 << 20
	maxStore  = 1 << 30
)

const startTimeout = 5 * time.Second

// Start runs the node of a zone. All that it says goes to logFile.
func Start(dir labdir.Dir, plan layout.Plan, zone, logFile string) (*server.Server, error) {
	opts, err := options(dir, plan, zone, logFile)
	if err != nil {
		return nil, err
	}
	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("starting the NATS node of %s: %w", zone, err)
	}
	ns.ConfigureLogger()
	ns.Start()
	if !ns.ReadyForConnections(startTimeout) {
		ns.Shutdown()
		return nil, fmt.Errorf("starting the NATS node of %s: not ready after %v", zone, startTimeout)
	}
	return ns, nil
}

// options joins the zone to its region as a cluster, and the region to the other as a leaf with a JetStream domain of
// its own: with a domain each, the survivor of a region outage can promote its mirror without asking the dead region.
//
// Every way out of the zone goes through a link of the lab's network, and nothing else is advertised, so that a cut
// really cuts: the address that peers would gossip is one where nobody answers.
func options(dir labdir.Dir, plan layout.Plan, zone, logFile string) (*server.Options, error) {
	region := layout.RegionOf(zone)
	host, port, err := split(plan.Client(zone))
	if err != nil {
		return nil, err
	}
	opts := &server.Options{
		ServerName: zone, Host: host, Port: port,
		JetStream: true, StoreDir: dir.Path("data/" + zone), JetStreamDomain: region,
		JetStreamMaxMemory: maxMemory, JetStreamMaxStore: maxStore, JetStreamUniqueTag: "az:",
		Tags:    []string{"region:" + region, "az:" + zone},
		LogFile: logFile, NoSigs: true, DisableShortFirstPing: true,
		PingInterval: pingInterval, MaxPingsOut: maxPingsOut,
	}
	if err := cluster(opts, plan, zone); err != nil {
		return nil, err
	}
	return opts, leaf(opts, plan, zone)
}

func cluster(opts *server.Options, plan layout.Plan, zone string) error {
	host, port, err := split(plan.Cluster(zone))
	if err != nil {
		return err
	}
	opts.Cluster = server.ClusterOpts{
		Name: layout.RegionOf(zone), Host: host, Port: port,
		Advertise: layout.WrongAddress + ":1", NoAdvertise: true,
		PoolSize: -1, Compression: server.CompressionOpts{Mode: server.CompressionOff},
		PingInterval: pingInterval, MaxPingsOut: maxPingsOut,
	}
	for _, peer := range layout.ZonesOf(layout.RegionOf(zone)) {
		if peer != zone {
			opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats", Host: plan.Route(zone, peer)})
		}
	}
	return nil
}

// leaf keeps the orders themselves from crossing: only JetStream's own traffic does, or a write in one region would be
// stored by the other.
func leaf(opts *server.Options, plan layout.Plan, zone string) error {
	off := server.CompressionOpts{Mode: server.CompressionOff}
	if layout.RegionOf(zone) == layout.East {
		host, port, err := split(plan.Leaf(zone))
		if err != nil {
			return err
		}
		opts.LeafNode = server.LeafNodeOpts{Host: host, Port: port, NoAdvertise: true, Compression: off}
		return nil
	}
	remote := &server.RemoteLeafOpts{
		DenyImports: []string{"orders.>"}, DenyExports: []string{"orders.>"}, Compression: off,
	}
	for _, east := range layout.ZonesOf(layout.East) {
		remote.URLs = append(remote.URLs, &url.URL{Scheme: "nats-leaf", Host: plan.LeafLink(zone, east)})
	}
	opts.LeafNode = server.LeafNodeOpts{ReconnectInterval: time.Second, Remotes: []*server.RemoteLeafOpts{remote}}
	return nil
}

// Current says whether the node has joined its region and holds all that the region has agreed on.
func Current(ns *server.Server) error {
	if h := ns.Healthz(&server.HealthzOptions{}); h.StatusCode != http.StatusOK {
		return errors.New("the node is not current: " + h.Error)
	}
	return nil
}

func split(addr string) (string, int, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("the address %s of a node: %w", addr, err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return "", 0, fmt.Errorf("the address %s of a node: %w", addr, err)
	}
	return host, n, nil
}
