// libwukong from Go: prints the name of each object that a Wukong file becomes.
//
//	PKG_CONFIG_PATH=PREFIX/lib/pkgconfig LD_LIBRARY_PATH=PREFIX/lib go run examples/library/main.go examples/web.yaml
package main

// #cgo pkg-config: wukong
// #include <wukong.h>
import "C"

import (
	"encoding/json"
	"fmt"
	"os"
	"unsafe"
)

// render gives the manifests of a file.
func render(file []byte) ([]map[string]any, error) {
	if len(file) == 0 {
		return nil, fmt.Errorf("the file is empty")
	}
	var status C.WukongStatus
	// The library keeps no pointer, so that memory of Go may be handed over.
	answer := C.wukong_render((*C.char)(unsafe.Pointer(&file[0])), C.size_t(len(file)), nil, 0, &status)
	defer C.wukong_free(answer)
	var read struct {
		Items []map[string]any
		Error *struct{ Message, Help string }
	}
	if err := json.Unmarshal([]byte(C.GoString(answer)), &read); err != nil {
		return nil, err
	}
	if read.Error != nil {
		return nil, fmt.Errorf("status %d: %s; %s", status, read.Error.Message, read.Error.Help)
	}
	return read.Items, nil
}

func main() {
	file, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	items, err := render(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, item := range items {
		fmt.Printf("%s/%s\n", item["kind"], item["metadata"].(map[string]any)["name"])
	}
}
