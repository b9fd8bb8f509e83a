package cli

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnAnswerIsOneLineAndNoMore(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	_, err = w.WriteString("first\r\nsecond\nlast")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	in := &lines{in: r}
	for _, want := range []string{"first", "second", "last"} {
		got, err := in.next(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err = in.next(t.Context())
	require.Error(t, err, "nobody is there any more")
}

func TestNobodyWaitsForAnAnswerAfterTheRunWasAborted(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	aborted := errors.New("aborted")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	in := &lines{in: r}
	go func() { _, err := in.next(ctx); done <- err }()
	cancel(aborted)
	require.ErrorIs(t, <-done, aborted)

	_, err = w.WriteString("for the next one\n")
	require.NoError(t, err)
	got, err := in.next(t.Context())
	require.NoError(t, err)
	require.Equal(t, "for the next one", got)
}
