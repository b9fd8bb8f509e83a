package probe

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/probe/servertest"
	"github.com/gameday-toolkit/gameday/internal/sample"
)

func TestRedisProbe(t *testing.T) {
	t.Parallel()
	server, other := servertest.StartRedis(t), servertest.StartRedis(t)
	other.Replicate(t, server)
	server.Do(t, "SET", "greeting", "hello")
	server.Do(t, "RPUSH", "list", "a", "b")
	for _, c := range []struct {
		more  values
		class sample.Class
		says  string
	}{
		{nil, sample.NoClass, ""},
		{values{"keepalive": false, "expect": values{"value": "PONG"}}, sample.NoClass, ""},
		{values{"command": []string{"GET", "greeting"}, "expect": values{"value": "hello", "regex": "^h"}}, sample.NoClass, ""},
		{values{"command": []string{"GET", "greeting"}, "expect": values{"value": "bye"}}, sample.Body, "5 bytes"},
		{values{"command": []string{"GET", "nothing"}, "expect": values{"value": ""}}, sample.Body, "no single value"},
		{values{"command": []string{"LLEN", "list"}, "expect": values{"value": "2"}}, sample.NoClass, ""},
		{values{"command": []string{"GET", "list"}}, sample.Status, "WRONGTYPE"},
		{values{"command": []string{"BLPOP", "nothing", "0"}}, sample.Timeout, ""},
		{values{"hosts": []string{other.Address}, "command": []string{"SET", "a", "b"}}, sample.Status, "READONLY"},
		{values{"hosts": []string{other.Address}, "role": "primary"}, sample.Status, "is a replica, and no primary"},
		{values{"hosts": []string{other.Address, server.Address}, "role": "primary", "command": []string{"SET", "a", "b"}}, sample.NoClass, ""},
		{values{"password": "wrong"}, sample.Status, "WRONGPASS"},
		{values{"password": ""}, sample.Status, "NOAUTH"},
		{values{"hosts": []string{fmt.Sprintf("127.0.0.1:%d", servertest.Port(t))}}, sample.Refused, ""},
		{values{"hosts": []string{"no.such.invalid:6379"}, "resolver": "127.0.0.1:1"}, sample.DNS, ""},
	} {
		v := values{"hosts": []string{server.Address}, "password": "secret"}
		for key, value := range c.more {
			v[key] = value
		}
		p := newProber(t, "redis", v)
		for range 2 { // the second time on the same connection
			a := askOnce(t, p, time.Second)
			require.Equal(t, c.class, a.Class, "%v: %s", c.more, a.Detail)
			require.Equal(t, c.class == sample.NoClass, a.Good)
			require.Contains(t, a.Detail, c.says)
			require.NotContains(t, a.Detail, "secret")
		}
		require.NoError(t, p.Close())
	}
	tooManyForRedis(t, server)
}

func tooManyForRedis(t *testing.T, server *servertest.Redis) {
	v := values{"hosts": []string{server.Address}, "password": "secret"}
	first, second := newProber(t, "redis", v), newProber(t, "redis", v)
	require.True(t, askOnce(t, first, time.Second).Good)
	server.Do(t, "CONFIG", "SET", "maxclients", 2) // the replica and the first
	a := askOnce(t, second, time.Second)
	require.Equal(t, sample.Refused, a.Class, a.Detail)
	require.True(t, askOnce(t, first, time.Second).Good)
	require.NoError(t, first.Close())
	require.Eventually(t, func() bool { return askOnce(t, second, time.Second).Good }, 10*time.Second, 20*time.Millisecond)
	server.Stop(t)
	require.Equal(t, sample.Reset, askOnce(t, second, time.Second).Class)
	require.NoError(t, second.Close())
}
