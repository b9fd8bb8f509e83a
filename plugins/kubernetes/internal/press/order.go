package press

import (
	"fmt"
	"strconv"
	"time"
)

// Command is the first argument of the process: gameday-plugin-kubernetes pressure -cpu CORES -memory BYTES
const Command = "pressure"

// What the process reads: a line begins the pressure, and each that follows lets it last. What it says last, in the log of its container,
// begins with one of the others.
const (
	Go       = "go\n"
	Waiting  = "waiting"
	Pressing = "pressing"
	Ended    = "ended"
)

const (
	// Beat is how often gameday has to be heard of.
	Beat = 2 * time.Second
	// Silence is how long the pressure outlives the last word of gameday. The connection that breaks when gameday dies ends it at once;
	// this is for one that nobody notices.
	Silence = 15 * time.Second
	// Patience is how long the process waits for its first word.
	Patience = 2 * time.Minute
)

// Order is how much to press.
type Order struct {
	// CPU is how many processors to keep busy; a fraction is a part of one.
	CPU float64 `json:"cpu,omitempty"`
	// Memory is how many bytes to take.
	Memory int64 `json:"memory,omitempty"`
}

// Args are the arguments of the process.
func (o Order) Args() []string {
	return []string{Command, "-cpu", strconv.FormatFloat(o.CPU, 'f', -1, 64), "-memory", strconv.FormatInt(o.Memory, 10)}
}

// String says what is pressed on, for people.
func (o Order) String() string {
	switch {
	case o.Memory == 0:
		return fmt.Sprintf("%v processors", o.CPU)
	case o.CPU == 0:
		return fmt.Sprintf("%d bytes of memory", o.Memory)
	}
	return fmt.Sprintf("%v processors and %d bytes of memory", o.CPU, o.Memory)
}

// shares are how busy each processor is to be, from 0 to 1.
func (o Order) shares() (out []float64) {
	for left := o.CPU; left > 0; left-- {
		out = append(out, min(left, 1))
	}
	return out
}
