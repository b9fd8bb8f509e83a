package reports

import (
	"math"
	"strconv"
	"time"

	"github.com/gameday-toolkit/gameday/internal/measure"
)

// explored is the timeline as data, for the page's script: what can be zoomed into and read out under a cursor. Everything
// it says can be read without it. Times are in seconds, latencies in milliseconds.
type explored struct {
	Length  float64           `json:"length"`
	Wall    string            `json:"wall,omitempty"`
	Focus   []float64         `json:"focus,omitempty"` // from the first fault to the recovery
	Shade   [][2]float64      `json:"shade"`           // where a fault is there
	Lanes   []laneData        `json:"lanes"`
	Strips  [][]barData       `json:"strips"`
	Phases  []barData         `json:"phases"`
	Faults  []barData         `json:"faults"`
	Actions []barData         `json:"actions"`
	Alerts  []barData         `json:"alerts"`
	Marks   []markData        `json:"marks"`
	Signs   map[string]string `json:"signs"` // the form of each kind of mark
}

// laneData is one SLO; null where there is nothing.
type laneData struct {
	Name   string       `json:"name"`
	Target float64      `json:"target"` // percent, as are SLI and Floor
	Floor  float64      `json:"floor"`
	At     []float64    `json:"at"`
	SLI    []*float64   `json:"sli"`
	Bad    [][2]float64 `json:"bad"`
	Lo     float64      `json:"lo"` // the scale of the latency
	Hi     float64      `json:"hi"`
	Width  float64      `json:"width"` // of its windows
	Lat    latencyData  `json:"lat"`
}

type latencyData struct {
	At  []float64  `json:"at"`
	P50 []*float64 `json:"p50"`
	P99 []*float64 `json:"p99"`
}

type barData struct {
	Kind   string  `json:"kind"`
	Name   string  `json:"name"`
	Tip    string  `json:"tip"`
	From   float64 `json:"from"`
	Sure   float64 `json:"sure"`
	Ends   float64 `json:"ends"`
	To     float64 `json:"to"`
	Soft   bool    `json:"soft,omitempty"`
	Failed bool    `json:"failed,omitempty"`
}

type markData struct {
	N    string    `json:"n"`
	Kind EntryKind `json:"kind"`
	At   float64   `json:"at"`
	Text string    `json:"text"`
	Href string    `json:"href,omitempty"`
}

// curvePoints bounds what is handed to the script for each SLO; a level stretch takes two of them.
const curvePoints = 2000

func (m *Model) explored(shown map[uint64]bool) explored {
	x := explored{
		Length: m.length().Seconds(), Focus: m.focus(), Shade: spans(union(m.faultBars())), Lanes: []laneData{}, Strips: [][]barData{}, Phases: m.phaseData(),
		Faults: barsData(m.faultBars()), Actions: barsData(m.actionBars()), Alerts: barsData(m.alertBars()), Marks: []markData{}, Signs: map[string]string{"other": markSign("", 0, 0)},
	}
	if !m.Run.Started.IsZero() {
		x.Wall = m.Run.Started.UTC().Format(time.RFC3339Nano)
	}
	for i, s := range m.rankedSLOs() {
		switch {
		case i < maxLanes:
			x.Lanes = append(x.Lanes, m.laneData(&s))
		case i < maxLanes+maxStrips:
			x.Strips = append(x.Strips, stripData(&s))
		}
	}
	moments, _ := m.moments()
	for i, e := range moments {
		d := markData{N: strconv.Itoa(i + 1), Kind: e.Kind, At: sec(e.At), Text: markText(i, e)}
		if shown[e.Seq] {
			d.Href = "#e" + strconv.FormatUint(e.Seq, 10)
		}
		x.Marks = append(x.Marks, d)
		x.Signs[string(e.Kind)] = markSign(e.Kind, 0, 0)
	}
	return x
}

func (m *Model) laneData(s *measure.SLOResult) laneData {
	l := laneData{Name: shortName(s.Addr), Target: s.Target, Floor: sliFloor(s.Points, s.Target) * 100, Bad: spans(s.Violations), At: []float64{}, SLI: []*float64{}}
	length := float64(m.length())
	cols := columns(s.Points, func(t time.Duration) float64 { return float64(t) / length * curvePoints })
	for i, c := range cols {
		if i > 0 && i < len(cols)-1 && c.sli == cols[i-1].sli && c.sli == cols[i+1].sli {
			continue // in the middle of a level stretch
		}
		l.At = append(l.At, round(c.x/curvePoints*length/1e9, 3))
		l.SLI = append(l.SLI, known(math.Floor(c.sli*1e4)/100, c.sli >= 0))
	}
	lo, hi := decades(s.Latency)
	l.Lo, l.Hi = millis(lo), millis(hi)
	l.Lat = latencyData{At: []float64{}, P50: []*float64{}, P99: []*float64{}}
	for _, p := range latencyPoints(s.Latency) {
		l.Lat.At = append(l.Lat.At, sec(p.At))
		l.Lat.P50 = append(l.Lat.P50, known(max(l.Lo, millis(p.P50)), p.P99 > 0))
		l.Lat.P99 = append(l.Lat.P99, known(millis(p.P99), p.P99 > 0))
	}
	if len(s.Latency) > 0 {
		l.Width = sec(s.Latency[0].Width)
	}
	return l
}

// focus is what most people want to look at: from the first fault to when the last violation under it was over.
func (m *Model) focus() []float64 {
	bars := m.faultBars()
	if len(bars) == 0 {
		return nil
	}
	from, faults, users := bars[0].from, bars[0].to, time.Duration(0)
	for _, b := range bars {
		from, faults = min(from, b.from), max(faults, b.to)
	}
	for _, s := range m.result().SLOs {
		for _, v := range s.Violations {
			users = max(users, v.To)
		}
	}
	to := faults
	if users > from {
		to = users
	}
	margin := (to - from) * 15 / 100
	return []float64{sec(max(0, from-margin)), sec(min(m.length(), to+margin))}
}

func (m *Model) phaseData() []barData {
	bars := []barData{}
	for i, p := range m.Phases {
		kind := [...]string{"phase", "phase alt"}[i%2]
		bars = append(bars, barData{Kind: kind, Name: p.Addr, Tip: phaseTip(p), From: sec(p.From), Sure: sec(p.From), Ends: sec(p.To), To: sec(p.To)})
	}
	return bars
}

// stripData is an SLO without a curve: where it was violated. Its name stands behind the last of that.
func stripData(s *measure.SLOResult) []barData {
	bars := []barData{}
	for i, v := range s.Violations {
		b := barData{Kind: "violated", Tip: violationTip(s, v), From: sec(v.From), Sure: sec(v.From), Ends: sec(v.To), To: sec(v.To)}
		if i == len(s.Violations)-1 {
			b.Name = shortName(s.Addr)
		}
		bars = append(bars, b)
	}
	if len(bars) == 0 {
		bars = append(bars, barData{Kind: "violated none", Name: shortName(s.Addr), Tip: s.Addr + " was never violated"})
	}
	return bars
}

func barsData(all []barred) []barData {
	out := []barData{}
	for i, b := range all {
		if i == maxStrips {
			break
		}
		out = append(out, barData{Kind: b.class, Name: b.name, Tip: b.tip, From: sec(b.from), Sure: sec(b.sure), Ends: sec(b.ends), To: sec(b.to), Soft: b.soft, Failed: b.failed})
	}
	return out
}

func spans(all []measure.Span) [][2]float64 {
	out := [][2]float64{}
	for _, s := range all {
		out = append(out, [2]float64{sec(s.From), sec(s.To)})
	}
	return out
}

func known(v float64, ok bool) *float64 {
	if !ok {
		return nil
	}
	return &v
}

func sec(d time.Duration) float64    { return round(d.Seconds(), 3) }
func millis(d time.Duration) float64 { return round(float64(d)/1e6, 3) }

func round(v float64, digits int) float64 {
	p := math.Pow(10, float64(digits))
	return math.Round(v*p) / p
}
