// Package crash is the crash matrix: tests that kill gameday and its plugins at every entry of a run, and prove by looking at
// the target itself that nothing is left behind.
package crash
