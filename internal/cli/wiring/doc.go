// Package wiring connects the packages that know nothing of each other: the language with the plugins, the plan with the
// world, the engine with everything that it is given, the journal with the reports.
package wiring
