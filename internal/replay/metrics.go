package replay

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Series is something that was measured during an incident. Times count from its beginning.
type Series struct {
	Name   string  `json:"name"`
	Points []Value `json:"points"`
}

// Value is one measurement.
type Value struct {
	At    time.Duration `json:"at"`
	Value float64       `json:"value"`
}

// Bounds on metrics: what is beyond them could not be drawn.
const (
	maxSeries = 8
	maxRows   = 200_000
	maxPoints = 400 // of a series, once it is thinned
)

// Metrics reads what was measured: CSV with time,name,value or time and a column for each series, or an answer of
// Prometheus to query_range. A time is RFC 3339, seconds since 1970, or as much as "9m" or "540" after the beginning.
// Series are thinned so that no peak and no dip is lost.
func Metrics(text string, began time.Time) ([]Series, error) {
	m := &metrics{began: began, at: map[string]int{}}
	var err error
	if strings.HasPrefix(strings.TrimLeft(text, " \t\r\n\ufeff"), "{") {
		err = m.prometheus([]byte(text))
	} else {
		err = m.csv(text)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the incident's metrics: %w", err)
	}
	for i := range m.series {
		slices.SortStableFunc(m.series[i].Points, func(a, b Value) int { return int(min(1, max(-1, a.At-b.At))) })
		m.series[i].Points = thin(m.series[i].Points)
	}
	return m.series, nil
}

type metrics struct {
	began  time.Time
	series []Series
	at     map[string]int // by name
	rows   int
}

func (m *metrics) add(name string, at time.Duration, value float64) error {
	if m.rows++; m.rows > maxRows {
		return fmt.Errorf("there are more than %d values; choose a longer step", maxRows)
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return nil // Prometheus says so where there is nothing
	}
	i, ok := m.at[name]
	if !ok {
		if len(m.series) == maxSeries {
			return fmt.Errorf("there are more than %d series; choose those that show the incident", maxSeries)
		}
		i, m.at[name] = len(m.series), len(m.series)
		m.series = append(m.series, Series{Name: name})
	}
	m.series[i].Points = append(m.series[i].Points, Value{at, value})
	return nil
}

// answer is what Prometheus says to query_range.
type answer struct {
	Status, Error string
	Data          struct {
		ResultType string
		Result     []struct {
			Metric map[string]string
			Values [][2]json.RawMessage
		}
	}
}

func (m *metrics) prometheus(src []byte) error {
	var a answer
	if err := json.NewDecoder(bytes.NewReader(src)).Decode(&a); err != nil {
		return fmt.Errorf("this is no answer of Prometheus: %w", err)
	}
	switch {
	case a.Status != "success":
		return fmt.Errorf("the answer of Prometheus is no success: %q", a.Error)
	case a.Data.ResultType != "matrix":
		return fmt.Errorf("the answer of Prometheus is a %q, and a range is needed; ask api/v1/query_range", a.Data.ResultType)
	}
	for _, r := range a.Data.Result {
		name := seriesName(r.Metric)
		for _, v := range r.Values {
			var sec float64
			var text string
			if json.Unmarshal(v[0], &sec) != nil || json.Unmarshal(v[1], &text) != nil {
				return fmt.Errorf("the series %q has a value that is not [time, \"number\"]", name)
			}
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return fmt.Errorf("the series %q has the value %q, which is no number", name, text)
			}
			if err := m.add(name, m.unix(sec), value); err != nil {
				return err
			}
		}
	}
	return nil
}

func seriesName(metric map[string]string) string {
	name := metric["__name__"]
	var labels []string
	for k, v := range metric {
		if k != "__name__" {
			labels = append(labels, k+"="+v)
		}
	}
	slices.Sort(labels)
	if len(labels) > 0 {
		name += "{" + strings.Join(labels, ",") + "}"
	}
	if name == "" {
		return "value"
	}
	return name
}

func (m *metrics) unix(sec float64) time.Duration {
	// Not over a time.Time: what is far away would come back as something near.
	after := sec - float64(m.began.UnixNano())/1e9
	return time.Duration(max(-1e9, min(1e9, after)) * float64(time.Second))
}

func (m *metrics) csv(text string) error {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, true, true
	first, err := r.Read()
	if err != nil {
		return fmt.Errorf("this is no CSV: %w", err)
	}
	head := slices.Clone(first)
	if len(head) < 2 || !strings.EqualFold(strings.TrimSpace(head[0]), "time") {
		return errors.New("line 1: the first line has to name the columns: time,name,value, or time and the name of each series")
	}
	long := len(head) == 3 && strings.EqualFold(head[1], "name") && strings.EqualFold(head[2], "value")
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("this is no CSV: %w", err)
		}
		if err := m.row(head, row, long); err != nil {
			line, _ := r.FieldPos(0)
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

func (m *metrics) row(head, row []string, long bool) error {
	if len(row) > len(head) || len(row) < 2 {
		return fmt.Errorf("there are %d columns, and the first line names %d", len(row), len(head))
	}
	at, err := m.time(strings.TrimSpace(row[0]))
	if err != nil {
		return err
	}
	if long {
		if len(row) < 3 {
			return errors.New("the value is missing")
		}
		return m.cell(row[1], at, row[2])
	}
	for i, cell := range row[1:] {
		if err := m.cell(head[i+1], at, cell); err != nil {
			return err
		}
	}
	return nil
}

func (m *metrics) cell(name string, at time.Duration, cell string) error {
	cell = strings.TrimSpace(cell)
	if cell == "" {
		return nil
	}
	v, err := strconv.ParseFloat(strings.TrimSuffix(cell, "%"), 64)
	if err != nil {
		return fmt.Errorf("%q is no number", cell)
	}
	return m.add(strings.TrimSpace(name), at, v)
}

// since1970 is what a number of seconds must be above to be a moment and not an offset.
const since1970 = 1e8

func (m *metrics) time(s string) (time.Duration, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return m.unix(float64(t.UnixNano()) / 1e9), nil
	}
	if d, err := time.ParseDuration(strings.TrimPrefix(s, "+")); err == nil {
		return d, nil
	}
	n, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || math.IsNaN(n) || math.Abs(n) > 1e12:
		return 0, fmt.Errorf("%q is no time: write 2026-03-14T09:02:00Z, seconds since 1970, or 9m for as much after the beginning", s)
	case n > since1970:
		return m.unix(n), nil
	}
	return time.Duration(n * float64(time.Second)), nil
}

// thin keeps the least and the greatest of each stretch.
func thin(points []Value) []Value {
	if len(points) <= maxPoints {
		return points
	}
	var out []Value
	size := (len(points) + maxPoints/2 - 1) / (maxPoints / 2)
	for part := range slices.Chunk(points, size) {
		lo, hi := part[0], part[0]
		for _, p := range part {
			if p.Value < lo.Value {
				lo = p
			}
			if p.Value > hi.Value {
				hi = p
			}
		}
		if lo.At > hi.At {
			lo, hi = hi, lo
		}
		out = append(out, lo)
		if hi != lo {
			out = append(out, hi)
		}
	}
	return out
}

// MetricsCSV writes series so that Metrics reads them again.
func MetricsCSV(series []Series) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"time", "name", "value"}) // a buffer takes everything
	for _, s := range series {
		for _, p := range s.Points {
			_ = w.Write([]string{p.At.String(), s.Name, strconv.FormatFloat(p.Value, 'g', -1, 64)})
		}
	}
	w.Flush()
	return b.Bytes()
}
