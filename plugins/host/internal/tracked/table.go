package tracked

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gameday-toolkit/gameday/plugins/host/internal/netns"
)

// A table belongs to a namespace, and its size to the machine: nobody could lower that for one namespace alone, and it would
// stay low when all of us are dead. So entries are put into the table, each with a timeout that somebody sets anew again
// and again. They are of a protocol and of addresses that no packet ever has (240.0.0.0/4, RFC 1112), the destination
// being the fault's own, so they meet nobody's traffic and nobody's entries.

const (
	reserved = 0xf0000000
	// portion is how many messages the kernel gets at once.
	portion = 1000
	// buffer is for what it answers to them.
	buffer = 1 << 20
)

// Address is the destination of the entries of a fault.
func Address(fault uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, reserved|fault)))
}

// Table is the table of one namespace.
type Table struct{ fd int }

// Open opens the table of a namespace.
func Open(ns *os.File) (*Table, error) {
	t := &Table{}
	err := netns.Do(ns, func() (err error) {
		t.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("talking to the connection tracking of %s: %w", ns.Name(), err)
	}
	err = errors.Join(
		unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, buffer),
		unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4*buffer),
		unix.SetsockoptTimeval(t.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("talking to the connection tracking of %s: %w", ns.Name(), err), t.Close())
	}
	return t, nil
}

// Close ends the conversation, and leaves the entries to their timeouts.
func (t *Table) Close() error { return unix.Close(t.fd) }

// Count is how many entries there are, and how many there may be.
func (t *Table) Count() (now, most int, err error) {
	err = t.ask(opStats, unix.NLM_F_ACK, func(attrs []byte) {
		all := attributes(attrs)
		n, _ := asNumber(all[statsEntries])
		m, _ := asNumber(all[statsMax])
		now, most = int(n), int(m)
	})
	if err == nil && most == 0 {
		err = errors.New("the kernel does not say how large its table is")
	}
	if err != nil {
		return 0, 0, fmt.Errorf("counting the tracked connections: %w", err)
	}
	return now, most, nil
}

// Set makes the entries of a fault from one number up to another, or sets their timeouts anew. A table that is full before
// that is no error.
func (t *Table) Set(ctx context.Context, fault uint32, from, to int, lives time.Duration) error {
	seconds := uint32((lives + time.Second - 1) / time.Second)
	// There are many, and they differ in one address: the source of one direction, the destination of the other.
	own := tuple(nil, tupleOrig, 0, reserved|fault)
	model := message(opNew, unix.NLM_F_CREATE, 0, number(number(tuple(own, tupleReply, reserved|fault, 0), status, held), timeout, seconds))
	err := t.each(ctx, from, to, func(b []byte, i int) []byte {
		at := len(b)
		b = append(b, model...)
		binary.BigEndian.PutUint32(b[at+headers+toSource:], reserved|uint32(i))
		binary.BigEndian.PutUint32(b[at+headers+len(own)+toDestination:], reserved|uint32(i))
		return b
	}, unix.ENOMEM)
	if err != nil {
		return fmt.Errorf("filling the table of tracked connections: %w", err)
	}
	return nil
}

// Find lists the entries of a fault by their numbers. The kernel lists none whose timeout is over.
func (t *Table) Find(fault uint32) (found []int, err error) {
	err = t.ask(opGet, unix.NLM_F_DUMP, func(attrs []byte) {
		if from, to, ok := entry(attrs); ok && to == reserved|fault && from&reserved == reserved {
			found = append(found, int(from&^reserved))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listing the tracked connections: %w", err)
	}
	return found, nil
}

// Clear takes every entry of a fault away.
func (t *Table) Clear(fault uint32) error {
	for {
		found, err := t.Find(fault)
		if err != nil || len(found) == 0 {
			return err
		}
		err = t.each(context.Background(), 0, len(found), func(b []byte, i int) []byte {
			return append(b, message(opDelete, 0, 0, tuple(nil, tupleOrig, reserved|uint32(found[i]), reserved|fault))...)
		}, unix.ENOENT)
		if err != nil {
			return fmt.Errorf("emptying the table of tracked connections: %w", err)
		}
	}
}

// each sends a message for each number, and waits for the answer to the last of a portion: what went wrong comes before it.
func (t *Table) each(ctx context.Context, from, to int, add func([]byte, int) []byte, allowed unix.Errno) error {
	out := make([]byte, 0, portion*128)
	for at := from; at < to; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		out = out[:0]
		begin := 0
		for end := min(to, at+portion); at < end; at++ {
			begin = len(out)
			out = add(out, at)
		}
		acknowledged(out[begin:], uint32(at))
		if err := t.send(out); err != nil {
			return err
		}
		if err := t.receive(uint32(at), allowed, func([]byte) {}); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) send(b []byte) error {
	return unix.Sendto(t.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// ask sends one question and hands over the attributes of each answer.
func (t *Table) ask(op, flags uint16, answer func(attrs []byte)) error {
	const seq = 1
	if err := t.send(message(op, flags, seq, nil)); err != nil {
		return err
	}
	return t.receive(seq, 0, answer)
}

// receive reads answers until the one that ends the conversation: the acknowledgement of the last message, or the end of
// a list.
func (t *Table) receive(last uint32, allowed unix.Errno, answer func(attrs []byte)) error {
	buf := make([]byte, buffer)
	var failed error
	for {
		n, _, err := unix.Recvfrom(t.fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("waiting for the kernel's answer: %w", err)
		}
		for b := buf[:n]; len(b) >= unix.NLMSG_HDRLEN; {
			size := int(binary.NativeEndian.Uint32(b))
			if size < unix.NLMSG_HDRLEN || size > len(b) {
				return errors.New("the kernel's answer makes no sense")
			}
			body := b[unix.NLMSG_HDRLEN:size]
			switch kind, seq := binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint32(b[8:]); {
			case kind == unix.NLMSG_DONE:
				return failed
			case kind == unix.NLMSG_ERROR && len(body) >= 4:
				if code := unix.Errno(-int32(binary.NativeEndian.Uint32(body))); code != 0 && code != allowed && failed == nil {
					failed = code
				}
				if seq == last {
					return failed
				}
			case len(body) >= 4:
				answer(body[4:])
			}
			b = b[min(len(b), (size+3)&^3):]
		}
	}
}
