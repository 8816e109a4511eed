// Package history writes the history of one client process, as docs/histories.md has it; tests/judge/history_writer.py in Go.
package history

import (
	"encoding/json"
	"log"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// Said is what a line says besides what every line has.
type Said map[string]any

// Asked is an operation that was asked for; its answer names it.
type Asked struct {
	action string
	number int64
}

// Writer is one file of one process. Every line is handed to the operating system before the call returns, so that a client
// that is killed leaves all that it had asked for. May be used by several goroutines. A file that cannot be written ends the
// program.
type Writer struct {
	mutex   sync.Mutex
	file    *os.File
	process int64
	client  string
	lines   int64
	values  int64
}

func NewWriter(path string, process int64, client string) *Writer {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		log.Fatal(err)
	}
	return &Writer{file: file, process: process, client: client}
}

func (w *Writer) Close() { w.file.Close() }

// Value returns a value that no other record of the run has.
func (w *Writer) Value() int64 {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.values++
	return w.process<<40 | w.values
}

// Invoke is called before the request leaves.
func (w *Writer) Invoke(action string, more Said) Asked {
	return Asked{action, w.write("invoke", action, Said{"c": w.client}, more)}
}

func (w *Writer) Ok(asked Asked, more Said) {
	w.write("ok", asked.action, Said{"of": asked.number}, more)
}

// Fail is said only where the protocol says that nothing happened and nothing will.
func (w *Writer) Fail(asked Asked, err error) {
	w.write("fail", asked.action, Said{"of": asked.number, "err": cut(err)}, nil)
}

// Info is said of anything else that went wrong.
func (w *Writer) Info(asked Asked, err error, more Said) {
	w.write("info", asked.action, Said{"of": asked.number, "err": cut(err)}, more)
}

// Reset says that the reader was at a position, and something made it begin at another.
func (w *Writer) Reset(partition string, position, to int64, err error) {
	w.write("info", "reset", Said{"c": w.client, "v": Said{partition: []int64{position, to}}, "err": cut(err)}, nil)
}

// Crash is the last line: the process is over.
func (w *Writer) Crash() { w.write("info", "crash", Said{"c": w.client}, nil) }

// cut: names have at most 1,024 bytes.
func cut(err error) string {
	text := err.Error()
	return text[:min(len(text), 200)]
}

func (w *Writer) write(kind, action string, parts ...Said) int64 {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.lines++
	line := Said{"i": w.lines, "t": monotonic(), "p": w.process, "type": kind, "f": action}
	for _, part := range parts {
		for name, said := range part {
			line[name] = said
		}
	}
	text, err := json.Marshal(line)
	if err == nil {
		_, err = w.file.Write(append(text, '\n'))
	}
	if err != nil {
		log.Fatal(err)
	}
	return w.lines
}

// monotonic reads CLOCK_MONOTONIC, which all programs of a run share; Go's own clock begins with the process.
func monotonic() int64 {
	const clockMonotonic = 1
	var now syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&now)), 0); errno != 0 {
		log.Fatal(errno)
	}
	return now.Nano()
}
