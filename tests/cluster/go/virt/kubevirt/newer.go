//go:build !older

package main

import (
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"kubevirt.io/kubevirt/pkg/virt-operator/resource/generate/components"
)

// Since KubeVirt 1.8, whose controllers wait for these kinds.
var newer = []func() (*extv1.CustomResourceDefinition, error){
	components.NewVirtualMachineBackupCrd,
	components.NewVirtualMachineBackupTrackerCrd,
}
