// Package chaostoolkit brings experiments of the Chaos Toolkit along, and writes runs in the form of its journal.
package chaostoolkit
