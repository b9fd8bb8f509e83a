package supervisor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// What can be asked of a running cluster.
const (
	actStop     = "stop"
	actContinue = "cont"
	actKill     = "kill"
	actStart    = "start"
	actCut      = "cut"
	actJoin     = "join"
	actEnd      = "end"
)

const socketName = "control.sock"

// request is one line of JSON on the control socket; an answer is one line too, empty if all went well.
type request struct{ Act, Name string }

type answer struct{ Error string }

type asked struct {
	request
	answer chan error
}

// control listens for requests. It carries out only the end by itself, for that must also reach a cluster that starts.
type control struct {
	listener *net.UnixListener
	requests chan asked
	cancel   context.CancelCauseFunc
	closing  chan struct{}
	serving  sync.WaitGroup
}

func listen(l layout, cancel context.CancelCauseFunc) (*control, error) {
	c := &control{requests: make(chan asked), cancel: cancel, closing: make(chan struct{})}
	err := atSocket(l, func(address *net.UnixAddr) error {
		var err error
		c.listener, err = net.ListenUnix("unix", address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listening for commands: %w", err)
	}
	c.listener.SetUnlinkOnClose(false) // its address is of use only while it is made; the layout removes the file
	c.serving.Go(c.accept)
	return c, nil
}

// atSocket names the control socket through an open directory, because an address may have no more than 107 bytes
// and a test's directory often has more.
func atSocket(l layout, use func(*net.UnixAddr) error) error {
	directory, err := os.Open(l.root)
	if err != nil {
		return err
	}
	defer directory.Close()
	path := filepath.Join("/proc/self/fd", fmt.Sprint(directory.Fd()), socketName)
	return use(&net.UnixAddr{Name: path, Net: "unix"})
}

func (c *control) close() error {
	close(c.closing)
	err := c.listener.Close()
	c.serving.Wait()
	return err
}

func (c *control) accept() {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return // closed
		}
		c.serving.Go(func() { c.serve(conn) })
	}
}

func (c *control) serve(conn net.Conn) {
	defer conn.Close()
	stop := make(chan struct{})
	defer close(stop)
	c.serving.Go(func() { // a client that says nothing must not hold up the end
		select {
		case <-c.closing:
			conn.Close()
		case <-stop:
		}
	})
	var r request
	if json.NewDecoder(conn).Decode(&r) != nil {
		return
	}
	var said answer
	if err := c.carryOut(r); err != nil {
		said.Error = err.Error()
	}
	_ = json.NewEncoder(conn).Encode(said) // who has gone needs no answer
}

func (c *control) carryOut(r request) error {
	if r.Act == actEnd {
		c.cancel(errAsked)
		return nil
	}
	asked := asked{r, make(chan error, 1)}
	select {
	case c.requests <- asked:
	case <-c.closing:
		return errors.New("the cluster is ending")
	}
	select {
	case err := <-asked.answer:
		return err
	case <-c.closing:
		return errors.New("the cluster is ending")
	}
}

func dial(l layout) (net.Conn, error) {
	var conn net.Conn
	err := atSocket(l, func(address *net.UnixAddr) error {
		var err error
		conn, err = net.DialUnix("unix", nil, address)
		return err
	})
	return conn, err
}

// ask asks the supervisor of the cluster in a directory for something, and waits until it is done.
func ask(ctx context.Context, l layout, r request) error {
	conn, err := dial(l)
	if err != nil {
		return fmt.Errorf("no cluster runs in %s (%w); start one with: up -dir %s", l.root, err, l.root)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := json.NewEncoder(conn).Encode(r); err != nil {
		return fmt.Errorf("asking the supervisor to %s %s: %w", r.Act, r.Name, err)
	}
	var said answer
	if err := json.NewDecoder(bufio.NewReader(conn)).Decode(&said); err != nil {
		return fmt.Errorf("waiting for the supervisor to %s %s: %w", r.Act, r.Name, err)
	}
	if said.Error != "" {
		return fmt.Errorf("%s %s: %s", r.Act, r.Name, said.Error)
	}
	return nil
}
