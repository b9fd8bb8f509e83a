package environment

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func now(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestOnlyOneIsAtWork(t *testing.T) {
	s := State{Root: t.TempDir()}
	a, err := s.Acquire(now(t), "staging", Holder{What: "run", Run: "r1", Dir: "/runs/r1", Since: time.Now()})
	require.NoError(t, err)

	_, err = s.Acquire(now(t), "staging", Holder{What: "recover"})
	var held *HeldError
	require.ErrorAs(t, err, &held)
	require.Equal(t, os.Getpid(), held.Holder.Pid)
	require.ErrorContains(t, err, "/runs/r1")

	b, err := s.Acquire(now(t), "production", Holder{What: "run", Run: "r2"})
	require.NoError(t, err, "another environment is another lock")
	holders, err := s.Holders()
	require.NoError(t, err)
	require.Len(t, holders, 2)

	require.NoError(t, a.Release())
	a, err = s.Acquire(now(t), "staging", Holder{What: "recover"})
	require.NoError(t, err)
	require.NoError(t, errors.Join(a.Release(), b.Release()))
	holders, err = s.Holders()
	require.NoError(t, err)
	require.Empty(t, holders)
}

func TestASecondOneWaits(t *testing.T) {
	s := State{Root: t.TempDir()}
	a, err := s.Acquire(now(t), "e", Holder{What: "recover"})
	require.NoError(t, err)
	got := make(chan error)
	go func() {
		b, err := s.Acquire(t.Context(), "e", Holder{What: "recover"})
		if err == nil {
			err = b.Release()
		}
		got <- err
	}()
	require.NoError(t, a.Release())
	require.NoError(t, <-got)
}

func TestRegister(t *testing.T) {
	s := State{Root: filepath.Join(t.TempDir(), "not", "there")}
	all, err := s.All()
	require.NoError(t, err)
	require.Empty(t, all)

	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	names := []string{"default", "a/b", "..", "", ".", "%", "%2F", "zürich prod"}
	for i, name := range names {
		require.NoError(t, s.Register(Entry{Run: "r1", Dir: "/x", Environment: name, Since: at.Add(time.Duration(i))}))
	}
	all, err = s.All()
	require.NoError(t, err)
	require.Len(t, all, len(names), "no name is taken for another")
	for i, name := range names {
		require.Equal(t, name, all[i].Environment)
		one, err := s.Unrecovered(name)
		require.NoError(t, err)
		require.Len(t, one, 1)
		require.NoError(t, s.Unregister(name, "r1"))
		require.NoError(t, s.Unregister(name, "r1"), "twice is no error")
	}
	all, err = s.All()
	require.NoError(t, err)
	require.Empty(t, all)
}

func TestADamagedEntryIsNotPassedOver(t *testing.T) {
	s := State{Root: t.TempDir()}
	require.NoError(t, s.Register(Entry{Run: "r1", Environment: "e"}))
	require.NoError(t, os.WriteFile(s.entry("e", "r1"), nil, 0o600))
	_, err := s.All()
	require.ErrorContains(t, err, "r1.json")
}

// Whoever is killed while it registers a run has not touched anything, and leaves half a file.
func TestHalfAnEntryIsSweptAway(t *testing.T) {
	s := State{Root: t.TempDir()}
	require.NoError(t, s.Register(Entry{Run: "r1", Environment: "e"}))
	half := filepath.Join(s.unrecovered("e"), ".new-123")
	require.NoError(t, os.WriteFile(half, []byte("{"), 0o600))
	require.NoError(t, s.Register(Entry{Run: "r2", Environment: "e"}))
	require.NoFileExists(t, half)
	found, err := s.Unrecovered("e")
	require.NoError(t, err)
	require.Len(t, found, 2)
}
