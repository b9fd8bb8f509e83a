package live

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// The test binary starts itself again as the service and as the crowd, so that the processor time of the run is its own.
const roleVar = "GAMEDAY_LIVE_ROLE"

func otherRole() bool {
	switch os.Getenv(roleVar) {
	case "service":
		beService()
	case "crowd":
		beCrowd()
	default:
		return false
	}
	return true
}

// beService answers until its standard input ends.
func beService() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }))
}

// beCrowd watches with as many as it is told on standard input, "N URL TOKEN", and says how many messages they got.
func beCrowd() {
	var watching sync.WaitGroup
	var seen atomic.Int64
	leave := func() {}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var n int
		var url, token string
		_, _ = fmt.Sscan(in.Text(), &n, &url, &token)
		leave()
		watching.Wait()
		var ctx context.Context
		ctx, leave = context.WithCancel(context.Background())
		var there sync.WaitGroup
		for range n {
			there.Add(1)
			watching.Go(func() { watch(ctx, url, token, &seen, there.Done) })
		}
		there.Wait()
		fmt.Println(seen.Swap(0))
	}
	leave()
	watching.Wait()
}

func watch(ctx context.Context, url, token string, seen *atomic.Int64, there func()) {
	var once sync.Once
	defer once.Do(there)
	client := &http.Client{Transport: &http.Transport{}}
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"api/stream", nil)
		if err != nil {
			panic(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(req)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		for buf := make([]byte, 1<<16); ; {
			n, err := resp.Body.Read(buf)
			if n > 0 {
				seen.Add(1)
				once.Do(there)
			}
			if err != nil {
				break
			}
		}
		_ = resp.Body.Close()
	}
}
