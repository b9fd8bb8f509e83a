package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// What one message may cost.
const (
	attempts    = 4
	oneAttempt  = 5 * time.Second
	firstPause  = 250 * time.Millisecond
	longestWait = 5 * time.Second // also of what a server asks for
	maxAnswer   = 4 << 10         // of what a server says is read,
	maxShown    = 200             // and of that is shown: cut after hiding, so that no half of a secret is left
)

// temporary is a refusal that may pass.
type temporary struct {
	error
	after time.Duration
}

func (t temporary) Unwrap() error { return t.error }

// post sends JSON until it is taken, and tries again where that may help.
func post(ctx context.Context, to string, header http.Header, body []byte) error {
	pause, hide := firstPause, hider(to, header)
	for n := 1; ; n++ {
		err := postOnce(ctx, to, header, body, hide)
		var t temporary
		if err == nil || !errors.As(err, &t) || n == attempts || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(min(max(pause, t.after), longestWait)):
		}
		pause *= 2
	}
}

func postOnce(ctx context.Context, to string, header http.Header, body []byte, hide *strings.Replacer) error {
	ctx, cancel := context.WithTimeout(ctx, oneAttempt)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL cannot be used") // and may be a secret
	}
	req.Header = header.Clone()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "gameday")
	res, err := client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL
		}
		if text := hide.Replace(err.Error()); text != err.Error() {
			err = errors.New(text)
		}
		return temporary{error: err}
	}
	said, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // it only explains a refusal
	_ = res.Body.Close()                                       // only read
	if res.StatusCode < 300 {
		return nil
	}
	err = fmt.Errorf("it answered %s: %q", hide.Replace(res.Status), clip(hide.Replace(string(said)), maxShown))
	if res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500 {
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // 0 where it is a date or missing
		return temporary{err, time.Duration(seconds) * time.Second}
	}
	return err
}

// client follows no redirect: a secret in a header or URL goes where the user said and nowhere else.
var client = &http.Client{CheckRedirect: noRedirect}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
