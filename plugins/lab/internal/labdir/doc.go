// Package labdir is the lab's state directory: which lab runs, which processes it has, which faults it carries, what it noticed.
package labdir
