package chaostoolkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/ohler55/ojg/jp"

	"github.com/gameday-toolkit/gameday/internal/replay/tree"
)

// Answer is what a provider gave: the parts that a tolerance can look into.
type Answer struct {
	Status int
	Parts  map[string]string // body, stdout, stderr
}

// maxAnswer is as much as is judged of an answer.
const maxAnswer = 1 << 20

// Judge says why an answer is not within a tolerance of the forms that no argument of a probe has: jsonpath, range, and
// regex on what is not the body. Nil says that it is.
func Judge(tolerance string, a Answer) error {
	t, err := tree.JSON([]byte(tolerance))
	if err != nil {
		return fmt.Errorf("reading the tolerance: %w", err)
	}
	target := t.Get("target").String()
	value, ok := a.Parts[target]
	if !ok && target == "status" {
		value, ok = strconv.Itoa(a.Status), true
	}
	if !ok && target != "" {
		return fmt.Errorf("the answer has no %q", target)
	}
	switch t.Get("type").String() {
	case "jsonpath":
		return judgePath(t, value)
	case "range":
		return judgeRange(t.Get("range").List(), value)
	case "regex":
		re, err := regexp.Compile(t.Get("pattern").String())
		if err == nil && !re.MatchString(value) {
			err = fmt.Errorf("%s does not match %s", clip(value), re)
		}
		return err
	}
	return fmt.Errorf("there is no tolerance of type %q", t.Get("type").String())
}

func judgeRange(ends []*tree.Node, value string) error {
	if len(ends) != 2 {
		return errors.New("the range has not two ends")
	}
	lo, err1 := strconv.ParseFloat(ends[0].String(), 64)
	hi, err2 := strconv.ParseFloat(ends[1].String(), 64)
	v, err3 := strconv.ParseFloat(strings.TrimSpace(value), 64)
	switch {
	case err1 != nil || err2 != nil:
		return errors.New("an end of the range is no number")
	case err3 != nil:
		return fmt.Errorf("%s is no number", clip(value))
	case v < lo || v > hi:
		return fmt.Errorf("%g is not within %g and %g", v, lo, hi)
	}
	return nil
}

func checkPath(path string) error {
	if strings.TrimSpace(path) == "" {
		return errors.New("its JSON path is empty")
	}
	if _, err := parsePath(path); err != nil {
		return fmt.Errorf("its JSON path is not understood: %w", err)
	}
	return nil
}

// parsePath keeps a panic of the library from being one of ours: the path is a stranger's.
func parsePath(path string) (x jp.Expr, err error) {
	defer func() {
		if p := recover(); p != nil {
			x, err = nil, fmt.Errorf("%v", p)
		}
	}()
	return jp.ParseString(strings.TrimSpace(path))
}

// judgePath wants something at the path: so many values where there is a count, and exactly these where some are expected.
func judgePath(t *tree.Node, value string) error {
	path, err := parsePath(t.Get("path").String())
	if err != nil {
		return fmt.Errorf("the JSON path is not understood: %w", err)
	}
	var doc any
	if err := json.Unmarshal([]byte(value), &doc); err != nil {
		return fmt.Errorf("%s is not JSON", clip(value))
	}
	found, err := get(path, doc)
	if err != nil {
		return err
	}
	if t.Has("expect") {
		want := []any{plainValue(t.Get("expect"))}
		if e := t.Get("expect"); e.Kind == tree.List {
			want = plainValue(e).([]any)
		}
		if !same(want, found) {
			return fmt.Errorf("found %s, expected %s", show(found), show(want))
		}
		return nil
	}
	if n, err := strconv.Atoi(t.Get("count").String()); err == nil {
		if len(found) != n {
			return fmt.Errorf("found %d values, expected %d", len(found), n)
		}
		return nil
	}
	if len(found) == 0 {
		return errors.New("found nothing at the path")
	}
	return nil
}

func get(path jp.Expr, doc any) (found []any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("following the JSON path: %v", p)
		}
	}()
	return path.Get(doc), nil
}

func plainValue(n *tree.Node) any {
	var v any
	_ = json.Unmarshal([]byte(jsonOf(n)), &v) // it was written from a tree
	return v
}

func same(a, b []any) bool { return encoded(a) == encoded(b) }

func show(v []any) string { return clip(encoded(v)) }

func encoded(v []any) string {
	if v == nil {
		v = []any{}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func clip(s string) string {
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "..."
	}
	return strconv.Quote(s)
}

// Ask sends a request and takes its answer apart.
func Ask(ctx context.Context, method, url string) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return Answer{}, fmt.Errorf("asking: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("asking: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	return Answer{resp.StatusCode, map[string]string{"body": string(b)}}, nil
}
