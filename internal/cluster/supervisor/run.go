package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

var (
	errInputEnded = errors.New("the standard input ended; keep it open while the cluster is needed, or use up and down")
	errAsked      = errors.New("asked to end")
)

// run brings a cluster up, serves it until it is no longer wanted, and ends it.
func run(ctx context.Context, config Config, in io.Reader, out, errs io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := layout{config.Dir}
	control, err := claim(l, config, cancel)
	if err != nil {
		return err
	}
	if !config.Detached {
		go cancelAtEnd(in, cancel) // ends with the process at the latest: nothing can interrupt its read
	}
	cluster, err := newCluster(config)
	if err != nil {
		return errors.Join(err, control.close(), l.remove())
	}
	err = cluster.start(ctx)
	if err == nil {
		fmt.Fprintln(out, "ready", l.kubeconfig())
		cluster.serve(ctx, control.requests, errs)
		return errors.Join(cluster.end(), control.close(), l.removeAll())
	}
	return failed(ctx, err, cluster, control)
}

// failed ends what was started of a cluster. Its logs stay: they say more than an error can.
func failed(ctx context.Context, err error, cluster *Cluster, control *control) error {
	asked := ctx.Err() != nil
	if asked {
		err = fmt.Errorf("ended before the cluster was ready: %w", context.Cause(ctx))
	}
	err = errors.Join(err, cluster.end(), control.close())
	if asked {
		return errors.Join(err, cluster.layout.remove())
	}
	return fmt.Errorf("%w\ngameday-cluster: hint: the logs are in %s; down -dir %s removes them",
		err, cluster.layout.file("logs"), cluster.layout.root)
}

// claim takes the directory, unless a cluster runs there.
func claim(l layout, config Config, cancel context.CancelCauseFunc) (*control, error) {
	if conn, err := dial(l); err == nil {
		conn.Close()
		return nil, fmt.Errorf("a cluster runs in %s already; end it with: down -dir %s", l.root, l.root)
	}
	if err := cleanAfterKill(l); err != nil {
		return nil, err
	}
	if err := l.create(); err != nil {
		return nil, fmt.Errorf("making the directory of the cluster: %w", err)
	}
	if err := writeConfig(l, config); err != nil {
		return nil, err
	}
	return listen(l, cancel)
}

func cancelAtEnd(in io.Reader, cancel context.CancelCauseFunc) {
	_, _ = io.Copy(io.Discard, in) // an error ends it as well
	cancel(errInputEnded)
}

// serve does what is asked of a ready cluster, and reports the components that end by themselves.
func (c *Cluster) serve(ctx context.Context, requests <-chan asked, errs io.Writer) {
	for {
		select {
		case <-ctx.Done():
			return
		case asked := <-requests:
			asked.answer <- c.handle(ctx, asked.request)
		case <-c.starter.Exits():
			c.report(errs)
		}
	}
}

func (c *Cluster) report(errs io.Writer) {
	if err := c.dead(); err != nil {
		fmt.Fprintf(errs, "gameday-cluster: warning: %v\n", err)
	}
	for _, component := range c.components {
		component.ending = component.ending || !component.child.Alive() // reported once
	}
	if err := c.state().write(c.layout); err != nil {
		fmt.Fprintf(errs, "gameday-cluster: warning: %v\n", err)
	}
}

func (c *Cluster) handle(ctx context.Context, r request) error {
	if r.Act == actCut || r.Act == actJoin {
		return c.link(ctx, r.Name, r.Act == actJoin)
	}
	component, err := c.find(r.Name)
	if err != nil {
		return err
	}
	signal, signalled := signals[r.Act]
	n, whole := c.realNode(r.Name)
	switch {
	case whole && signalled:
		err = c.signalNode(ctx, n, signal)
	case whole:
		err = c.startNode(ctx, n)
	case signalled:
		err = component.signal(signal)
	default:
		err = component.start(ctx, c.starter)
	}
	return errors.Join(err, c.state().write(c.layout))
}

var signals = map[string]syscall.Signal{
	actStop: syscall.SIGSTOP, actContinue: syscall.SIGCONT, actKill: syscall.SIGKILL,
}

// writeConfig records what is about to be made, so that it can be cleaned away when this process is killed.
func writeConfig(l layout, config Config) error {
	content, err := json.Marshal(config)
	if err != nil {
		return err
	}
	return os.WriteFile(l.file("config.json"), content, 0o600)
}
