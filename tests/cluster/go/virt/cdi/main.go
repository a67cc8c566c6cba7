// CDI's API server and controllers in one process. CDI's own programs listen on a fixed port, read their signing key
// from a fixed folder and serve metrics on a fixed port; their packages have none of these limits.
//
// What cannot be here is the pod network: the controllers ask importer pods for their progress. PROGRESS_ADDRESS says
// where the test fixture answers for all of them.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-logr/logr"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v6/apis/volumesnapshot/v1"
	snapclient "github.com/kubernetes-csi/external-snapshotter/client/v6/clientset/versioned"
	ocpconfigv1 "github.com/openshift/api/config/v1"
	imagev1 "github.com/openshift/api/image/v1"
	routev1 "github.com/openshift/api/route/v1"
	"github.com/openshift/library-go/pkg/crypto"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"
	forklift "kubevirt.io/containerized-data-importer-api/pkg/apis/forklift/v1beta1"
	"kubevirt.io/containerized-data-importer/pkg/apiserver"
	cdiclient "kubevirt.io/containerized-data-importer/pkg/client/clientset/versioned"
	"kubevirt.io/containerized-data-importer/pkg/common"
	"kubevirt.io/containerized-data-importer/pkg/controller"
	"kubevirt.io/containerized-data-importer/pkg/controller/datavolume"
	"kubevirt.io/containerized-data-importer/pkg/controller/populators"
	"kubevirt.io/containerized-data-importer/pkg/controller/transfer"
	"kubevirt.io/containerized-data-importer/pkg/keys"
	"kubevirt.io/containerized-data-importer/pkg/operator/resources/cluster"
	"kubevirt.io/containerized-data-importer/pkg/operator/resources/operator"
	"kubevirt.io/containerized-data-importer/pkg/util/cert/fetcher"
	"kubevirt.io/containerized-data-importer/pkg/util/cert/generator"
	certwatcher "kubevirt.io/containerized-data-importer/pkg/util/cert/watcher"
	tlswatch "kubevirt.io/containerized-data-importer/pkg/util/tls-crypto-watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	namespace  = "cdi"
	pullPolicy = "IfNotPresent"
	verbosity  = "1"
	importer   = "cdi-importer"
	cloner     = "cdi-cloner"
)

var labels = map[string]string{common.AppKubernetesPartOfLabel: "cdi"}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "manifests" {
		check(json.NewEncoder(os.Stdout).Encode(manifests()))
		return
	}
	kubeconfig := flag.String("kubeconfig", "", "file with the way to the cluster")
	port := flag.Uint("port", 0, "where webhooks are served, on 127.0.0.1")
	certificate := flag.String("cert", "", "file with the serving certificate")
	key := flag.String("key", "", "file with its key")
	flag.Parse()
	logf.SetLogger(klog.Background())
	reachImportersAt(os.Getenv("PROGRESS_ADDRESS"))

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	check(err)
	// The defaults of client-go (5 a second) are for one user; these controllers serve many tests at once.
	config.QPS, config.Burst = 200, 400
	for _, add := range []func(*runtime.Scheme) error{
		cdiv1.AddToScheme, snapshotv1.AddToScheme, extv1.AddToScheme, forklift.AddToScheme,
		imagev1.Install, ocpconfigv1.Install, routev1.Install,
	} {
		check(add(scheme.Scheme))
	}
	ctx := context.Background()
	mgr, err := manager.New(config, manager.Options{
		Scheme:  scheme.Scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	check(err)
	kube := kubernetes.NewForConfigOrDie(config)
	addControllers(ctx, mgr, kube)
	serve := newServer(ctx, config, kube, mgr.GetClient(), *port, *certificate, *key)
	go func() { check(serve(ctx.Done())) }()
	check(mgr.Start(ctx))
}

// newServer prepares the admission webhooks and the upload token API.
func newServer(ctx context.Context, config *rest.Config, kube kubernetes.Interface, cached client.Client, port uint, certificate, key string) func(<-chan struct{}) error {
	cdi := cdiclient.NewForConfigOrDie(config)
	auth, err := apiserver.NewAuthConfigWatcher(ctx, kube)
	check(err)
	tls, err := tlswatch.NewCdiConfigTLSWatcher(ctx, cdi)
	check(err)
	authorizer, err := apiserver.NewAuthorizorFromConfig(config, auth)
	check(err)
	certificates, err := certwatcher.New(certificate, key)
	check(err)
	go func() { check(certificates.Start(ctx.Done())) }()
	server, err := apiserver.NewCdiAPIServer("127.0.0.1", port, kube, aggregator.NewForConfigOrDie(config), cdi,
		snapclient.NewForConfigOrDie(config), cached, authorizer, auth, tls, certificates, labels)
	check(err)
	return server.Start
}

// addControllers sets up every controller and populator that CDI's own program runs.
func addControllers(ctx context.Context, mgr manager.Manager, kube kubernetes.Interface) {
	var logger logr.Logger = logf.Log.WithName("cdi")
	// The API server makes this key in a real cluster and both sides read it from the same Secret.
	token, err := keys.GetOrCreatePrivateKey(kube, namespace, apiserver.APISigningKeySecretName, labels)
	check(err)
	// Uploads and clones between nodes are encrypted; CDI signs with RSA only, so this authority is its own.
	authority, err := crypto.MakeSelfSignedCAConfigForDuration("uploads", 24*time.Hour)
	check(err)
	certificate, key, err := authority.GetPEMBytes()
	check(err)
	signer := &generator.FetchCertGenerator{Fetcher: &fetcher.MemCertFetcher{Cert: certificate, Key: key}}
	trusted := &fetcher.MemCertBundleFetcher{Bundle: certificate}

	check(datavolume.CreateCommonIndexes(mgr))
	check(populators.CreateCommonPopulatorIndexes(mgr))
	for _, add := range []func() (any, error){
		func() (any, error) {
			return controller.NewConfigController(mgr, logger, "cdi-uploadproxy", common.ConfigName, labels)
		},
		func() (any, error) { return controller.NewStorageProfileController(mgr, logger, labels) },
		func() (any, error) { return datavolume.NewImportController(ctx, mgr, logger, labels) },
		func() (any, error) { return datavolume.NewUploadController(ctx, mgr, logger, labels) },
		func() (any, error) {
			return datavolume.NewPvcCloneController(ctx, mgr, logger, cloner, importer, pullPolicy, &token.PublicKey, token, labels)
		},
		func() (any, error) {
			return datavolume.NewSnapshotCloneController(ctx, mgr, logger, cloner, importer, pullPolicy, &token.PublicKey, token, labels)
		},
		func() (any, error) { return datavolume.NewPopulatorController(ctx, mgr, logger, labels) },
		func() (any, error) {
			return controller.NewImportController(mgr, logger, importer, pullPolicy, verbosity, labels)
		},
		func() (any, error) {
			return controller.NewCloneController(mgr, logger, cloner, pullPolicy, verbosity, signer, trusted, &token.PublicKey, labels)
		},
		func() (any, error) {
			return controller.NewUploadController(mgr, logger, "cdi-uploadserver", pullPolicy, verbosity, signer, trusted, labels)
		},
		func() (any, error) { return transfer.NewObjectTransferController(mgr, logger, labels) },
		func() (any, error) {
			return controller.NewDataImportCronController(mgr, logger, importer, pullPolicy, labels)
		},
		func() (any, error) { return controller.NewDataSourceController(mgr, logger, labels) },
		func() (any, error) { return populators.NewImportPopulator(ctx, mgr, logger, labels) },
		func() (any, error) { return populators.NewUploadPopulator(ctx, mgr, logger, labels) },
		func() (any, error) {
			return populators.NewClonePopulator(ctx, mgr, logger, cloner, pullPolicy, labels, &token.PublicKey)
		},
	} {
		_, err := add()
		check(err)
	}
}

// reachImportersAt sends connections to a pod's metrics port (8443) to the fixture. CDI copies the dialer of the
// default transport for them.
func reachImportersAt(address string) {
	transport := http.DefaultTransport.(*http.Transport)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		if _, port, err := net.SplitHostPort(to); err == nil && port == "8443" && address != "" {
			to = address
		}
		return dial(ctx, network, to)
	}
}

// manifests lists what CDI's operator would have installed, CRDs first.
func manifests() []client.Object {
	arguments := &cluster.FactoryArgs{Namespace: namespace}
	static, err := cluster.CreateAllStaticResources(arguments)
	check(err)
	dynamic, err := cluster.CreateAllDynamicResources(arguments)
	check(err)
	return append(append([]client.Object{operator.NewCdiCrd()}, static...), dynamic...)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
