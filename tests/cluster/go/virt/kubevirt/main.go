// One program for virt-api and virt-controller, and for what virt-operator would have installed. The first argument
// names the part: virt-api, virt-controller or manifests.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"kubevirt.io/client-go/log"
	_ "kubevirt.io/kubevirt/pkg/monitoring/metrics/virt-controller"
	"kubevirt.io/kubevirt/pkg/service"
	virtapi "kubevirt.io/kubevirt/pkg/virt-api"
	"kubevirt.io/kubevirt/pkg/virt-controller/watch"
	"kubevirt.io/kubevirt/pkg/virt-operator/resource/generate/components"
	"kubevirt.io/kubevirt/pkg/virt-operator/resource/generate/rbac"
)

const namespace = "kubevirt"

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "name a part: virt-api, virt-controller or manifests")
		os.Exit(2)
	}
	part := os.Args[1]
	os.Args = os.Args[1:]
	switch part {
	case "virt-api":
		log.InitializeLogging(part)
		app := virtapi.NewVirtApi()
		service.Setup(app)
		app.Execute()
	case "virt-controller":
		watch.Execute()
	case "manifests":
		print(manifests())
	default:
		fmt.Fprintf(os.Stderr, "unknown part %q\n", part)
		os.Exit(2)
	}
}

// The kinds that KubeVirt has had for long; `newer` are those that came later.
var kinds = []func() (*extv1.CustomResourceDefinition, error){
	components.NewKubeVirtCrd,
	components.NewVirtualMachineCrd,
	components.NewVirtualMachineInstanceCrd,
	components.NewVirtualMachineInstanceMigrationCrd,
	components.NewMigrationPolicyCrd,
	components.NewReplicaSetCrd,
	components.NewPresetCrd,
	components.NewVirtualMachinePoolCrd,
	components.NewVirtualMachineSnapshotCrd,
	components.NewVirtualMachineSnapshotContentCrd,
	components.NewVirtualMachineRestoreCrd,
	components.NewVirtualMachineExportCrd,
	components.NewVirtualMachineCloneCrd,
	components.NewVirtualMachineInstancetypeCrd,
	components.NewVirtualMachineClusterInstancetypeCrd,
	components.NewVirtualMachinePreferenceCrd,
	components.NewVirtualMachineClusterPreferenceCrd,
}

// manifests lists CRDs first, because what follows may be of their kinds.
func manifests() []any {
	var all []any
	for _, crd := range append(kinds, newer...) {
		object, err := crd()
		if err != nil {
			panic(err)
		}
		all = append(all, object)
	}
	for _, object := range rbac.GetAllCluster() {
		all = append(all, object)
	}
	for _, service := range components.NewVirtAPIAPIServices(namespace) {
		all = append(all, service)
	}
	return append(all,
		components.NewVirtAPIValidatingWebhookConfiguration(namespace),
		components.NewVirtAPIMutatingWebhookConfiguration(namespace),
	)
}

func print(objects []any) {
	if err := json.NewEncoder(os.Stdout).Encode(objects); err != nil {
		panic(err)
	}
}
