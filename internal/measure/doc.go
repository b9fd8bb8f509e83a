// Package measure judges a recorded run: its indicators, its recovery time, its lost data and its verdict.
package measure
