package supervisor

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Flavours of node.
const (
	kwokNodes    = "kwok"
	kubeletNodes = "kubelet"
)

// Config says which cluster to run, and where.
type Config struct {
	Dir          string
	Nodes        string
	Zones        int
	NodesPerZone int
	Port         int // of the API server; 0 is any that is free
	QPS          float64
	Images       []Image // for kubelets: what their containers are made of
	CoreDNS      bool
	Timeout      time.Duration // until the cluster is ready
	Detached     bool          // set by up: do not end when the standard input does
}

// Image is a container image of one static program.
type Image struct{ Name, Program string }

// parseConfig reads the flags of run and up, and makes every path absolute.
func parseConfig(command string, args []string, errs io.Writer) (Config, error) {
	var c Config
	flags := flag.NewFlagSet("gameday-cluster "+command, flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.StringVar(&c.Dir, "dir", "", "directory of the cluster; holds kubeconfig and cluster.json once it is ready")
	flags.StringVar(&c.Nodes, "nodes", kwokNodes, "kwok (simulated) or kubelet (real; needs root)")
	flags.IntVar(&c.Zones, "zones", 3, "number of zones")
	flags.IntVar(&c.NodesPerZone, "nodes-per-zone", 3, "number of nodes in each zone")
	flags.IntVar(&c.Port, "port", 0, "port of the API server; 0 is any that is free")
	flags.Float64Var(&c.QPS, "qps", 200, "requests a second that the controllers and the scheduler may make")
	flags.BoolVar(&c.CoreDNS, "coredns", false, "run cluster DNS")
	flags.DurationVar(&c.Timeout, "timeout", 3*time.Minute, "time until the cluster must be ready")
	flags.BoolVar(&c.Detached, "detached", false, "go on when the standard input ends (up sets it)")
	flags.Func("image", "NAME=STATICBINARY, an image for every kubelet; may be repeated", c.addImage)
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	return c, c.check(flags.Args())
}

func (c *Config) addImage(value string) error {
	name, program, found := strings.Cut(value, "=")
	if !found || name == "" || program == "" {
		return errors.New("want NAME=STATICBINARY")
	}
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	c.Images = append(c.Images, Image{Name: name, Program: program})
	_, err = os.Stat(program)
	return err
}

func (c *Config) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case c.Dir == "":
		return errors.New("-dir is missing: name a directory for the cluster")
	case c.Nodes != kwokNodes && c.Nodes != kubeletNodes:
		return fmt.Errorf("-nodes %s: want %s or %s", c.Nodes, kwokNodes, kubeletNodes)
	case c.Zones < 1 || c.Zones > 9 || c.NodesPerZone < 1 || c.NodesPerZone > 24:
		return errors.New("want 1 to 9 zones of 1 to 24 nodes")
	case c.Nodes == kwokNodes && len(c.Images) > 0:
		return errors.New("-image is for -nodes kubelet: simulated nodes run no images")
	}
	var err error
	c.Dir, err = filepath.Abs(c.Dir)
	return err
}
