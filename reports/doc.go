// Package reports turns a judged run into pages and files that people and their tools can read.
//
// Every renderer is a pure function of a Model: no clock, no locale and no map order, so the same journal gives the
// same bytes. Strings of the scenario and of the target are never trusted: each renderer escapes for its own format.
package reports
