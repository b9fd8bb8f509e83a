// Package page draws the trends of an archive as one self-contained HTML page.
package page
