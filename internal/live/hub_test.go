package live

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestASlowViewerIsSentAwayAndHoldsUpNobody(t *testing.T) {
	h := newHub(10)
	hello := func() []byte { return []byte("hello") }
	slow, err := h.join(hello)
	require.NoError(t, err)
	quick, err := h.join(hello)
	require.NoError(t, err)
	var got []string
	var done sync.WaitGroup
	read := make(chan struct{}, 1)
	done.Go(func() {
		for m := range quick.queue {
			got = append(got, string(m))
			read <- struct{}{}
		}
	})
	<-read
	began := time.Now()
	for i := range 3 * queued {
		h.send(func() []byte { return fmt.Appendf(nil, "%d", i) })
		<-read
	}
	require.Less(t, time.Since(began), 5*time.Second)
	require.Equal(t, 1, h.count())
	n := 0
	for range slow.queue { // it is closed: what it had is all that it gets
		n++
	}
	require.Equal(t, queued, n)
	h.close()
	done.Wait()
	require.Len(t, got, 3*queued+1)
	late, err := h.join(hello)
	require.NoError(t, err)
	require.Equal(t, "hello", string(<-late.queue), "who comes after the end still sees how it ended")
	_, open := <-late.queue
	require.False(t, open)
}

func TestThereIsRoomForSoMany(t *testing.T) {
	h := newHub(2)
	hello := func() []byte { return nil }
	a, err := h.join(hello)
	require.NoError(t, err)
	_, err = h.join(hello)
	require.NoError(t, err)
	_, err = h.join(hello)
	require.ErrorIs(t, err, errFull)
	h.leave(a)
	h.leave(a)
	_, err = h.join(hello)
	require.NoError(t, err)
}
