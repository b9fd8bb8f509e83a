package ledger

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/probe/servertest"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

func TestRedisLedger(t *testing.T) {
	t.Parallel()
	server := servertest.StartRedis(t)
	store := newStore(t, "redis", values{"hosts": []string{server.Address}, "password": "secret", "database": 3})
	all := writeFor(t, 400*time.Millisecond, Options{Schedule: sample.Schedule{Rate: 4000}, Timeout: 10 * time.Second, Workers: 8}, store)
	ok, fail, info := outcomes(all)
	require.NotZero(t, ok)
	require.Zero(t, fail+info)
	other := newStore(t, "redis", values{"hosts": []string{server.Address}, "password": "secret"})
	back, err := Read(t.Context(), other, ReadBackOptions{Run: "r1", Attempted: 1})
	require.NoError(t, err)
	require.False(t, back.Has(0), "another database")
	server.Do(t, "SWAPDB", 0, 3)
	server.Do(t, "EVAL", `for i = 10000, 12499 do redis.call("RPUSH", KEYS[1], '{"run":"r1","seq":' .. i .. '}') end`, 1, "gameday:ledger:r1") // several pages
	server.Do(t, "RPUSH", "gameday:ledger:r1", "hello")
	server.Do(t, "RPUSH", "gameday:ledger:r1", `{"run":"r1","seq":10000}`)
	back, err = Read(t.Context(), other, ReadBackOptions{Run: "r1", Attempted: 12500})
	require.NoError(t, err)
	for _, r := range all {
		require.Equal(t, 1, back.Count(r.Seq))
	}
	require.Equal(t, 2, back.Count(10000))
	for seq := range uint64(2499) {
		require.Equal(t, 1, back.Count(10001+seq))
	}
	require.Equal(t, []string{"hello"}, tails(back.Unexpected, 5))
	require.InDelta(t, 7*24*3600, server.Do(t, "TTL", "gameday:ledger:r1"), 60)
	require.NoError(t, store.Close())
}

func TestRedisWaitsForReplicas(t *testing.T) {
	t.Parallel()
	east, west := servertest.StartRedis(t), servertest.StartRedis(t)
	west.Replicate(t, east)
	hosts := []string{west.Address, east.Address}
	store := newStore(t, "redis", values{"hosts": hosts, "role": "primary", "password": "secret", "replicas": 1})
	o, detail := once(t, store, 0, time.Minute)
	require.Equal(t, "ok", o, detail)
	require.EqualValues(t, 1, west.Do(t, "LLEN", "gameday:ledger:r1"), "it was there before it was acknowledged")
	alone := newStore(t, "redis", values{"hosts": []string{east.Address}, "password": "secret"})
	west.Pause(t)
	began := time.Now()
	o, detail = once(t, store, 1, 2*time.Second)
	require.Equal(t, "info", o)
	require.Equal(t, "0 of 1 replicas have it", detail, "the connection is sound, and the answer to WAIT was taken")
	require.Less(t, time.Since(began), 2*time.Second)
	o, detail = once(t, alone, 2, time.Minute)
	require.Equal(t, "ok", o, detail)
	west.Resume(t)
	o, detail = once(t, store, 3, time.Minute)
	require.Equal(t, "ok", o, detail)

	replica := newStore(t, "redis", values{"hosts": []string{west.Address}, "password": "secret", "replicas": 1})
	for range 2 { // the second time on the same connection
		o, detail = once(t, replica, 4, time.Minute)
		require.Equal(t, "fail", o)
		require.True(t, strings.HasPrefix(detail, "READONLY"), detail)
	}
	west.Do(t, "REPLICAOF", "NO", "ONE")
	east.Stop(t)
	o, _ = once(t, store, 5, time.Minute)
	require.Equal(t, "info", o, "the connection was lost")
	o, _ = once(t, store, 6, time.Second)
	require.Equal(t, "info", o, "a new primary without replicas")
	back, err := Read(t.Context(), store, ReadBackOptions{Run: "r1", Attempted: 7})
	require.NoError(t, err)
	require.True(t, back.Has(6), "what is unknown may be there")
}

func TestRedisThatIsNotThere(t *testing.T) {
	t.Parallel()
	server := servertest.StartRedis(t)
	o, detail := once(t, newStore(t, "redis", values{"hosts": []string{server.Address}, "password": "not this one"}), 0, time.Minute)
	require.Equal(t, "fail", o)
	require.NotContains(t, detail, "not this one")
	store := newStore(t, "redis", values{"hosts": []string{server.Address}, "password": "secret"})
	server.Pause(t)
	o, _ = once(t, store, 0, 200*time.Millisecond)
	require.Equal(t, "fail", o, "it did not come to sending")
	server.Resume(t)
	o, detail = once(t, store, 1, time.Minute)
	require.Equal(t, "ok", o, detail)
	server.Pause(t)
	o, _ = once(t, store, 2, 200*time.Millisecond)
	require.Equal(t, "info", o)
	server.Resume(t)
	server.Stop(t)
	o, detail = once(t, store, 3, time.Minute)
	require.Equal(t, "fail", o, detail)
	_, err := Read(brief(t), store, ReadBackOptions{Run: "r1", Attempted: 1})
	require.Error(t, err)
}
