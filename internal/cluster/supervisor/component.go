package supervisor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/gameday-toolkit/gameday/internal/cluster/process"
)

// component is one program of the cluster. It is started again as it was started first: same arguments, same ports.
type component struct {
	spec    process.Spec
	prepare func() error                // nil, or completes the spec just before a start
	ready   func(context.Context) error // nil: nothing to wait for
	child   *process.Child
	stopped bool // by SIGSTOP
	ending  bool // its end is expected, so that nobody reports it
}

const readyTimeout = 90 * time.Second

// start starts the component and waits until it is ready, or has ended, or time is out.
func (c *component) start(ctx context.Context, starter *process.Starter) error {
	if c.child != nil && c.child.Alive() {
		return fmt.Errorf("%s is running already", c.spec.Name)
	}
	if c.prepare != nil {
		if err := c.prepare(); err != nil {
			return err
		}
	}
	child, err := starter.Start(c.spec)
	if err != nil {
		return err
	}
	c.child, c.stopped, c.ending = child, false, false
	if c.ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return c.await(ctx)
}

func (c *component) await(ctx context.Context) error {
	err := poll(ctx, func(ctx context.Context) error {
		if !c.child.Alive() {
			return final{c.child.Failure()}
		}
		return c.ready(ctx)
	})
	if err == nil || !c.child.Alive() {
		return err
	}
	return fmt.Errorf("%s is not ready: %w; the last lines of %s:\n%s",
		c.spec.Name, err, c.spec.Log, process.Tail(c.spec.Log, 12))
}

// signal stops, continues or kills the component.
func (c *component) signal(signal syscall.Signal) error {
	if c.child == nil || !c.child.Alive() {
		return fmt.Errorf("%s is not running; start it with: start %s", c.spec.Name, c.spec.Name)
	}
	if signal == syscall.SIGKILL {
		c.ending = true
		c.child.End()
		return nil
	}
	c.stopped = signal == syscall.SIGSTOP
	return c.child.Signal(signal)
}

func (c *component) end() {
	if c.child != nil {
		c.ending = true
		c.child.End()
	}
}

// multicall is this program under the name of a component.
func (c *Cluster) multicall(name, program string, args ...string) *component {
	return c.component(name, c.self, append([]string{program}, args...)...)
}

func (c *Cluster) component(name, path string, argv ...string) *component {
	spec := process.Spec{Name: name, Path: path, Args: argv, Log: c.layout.log(name)}
	return &component{spec: spec}
}

// launch adds a component to the cluster and starts it.
func (c *Cluster) launch(ctx context.Context, component *component) error {
	c.components = append(c.components, component)
	return component.start(ctx, c.starter)
}

func (c *Cluster) find(name string) (*component, error) {
	at := slices.IndexFunc(c.components, func(c *component) bool { return c.spec.Name == name })
	if at < 0 {
		names := make([]string, 0, len(c.components))
		for _, component := range c.components {
			names = append(names, component.spec.Name)
		}
		return nil, fmt.Errorf("no component %q; there are %q", name, names)
	}
	return c.components[at], nil
}

// self is the program that runs, by a path that holds even when the build directory is cleared meanwhile.
func self() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	return path, nil
}
