// Package undo takes outstanding handles back and proves it. The normal end, an abort and recover all come through here.
package undo
