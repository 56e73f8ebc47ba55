import { ServiceCluster } from '../datapath/service-cluster.js'

/** One service, with its backend at the port of the loopback. */
export function survivorCluster(targetPort: number): ServiceCluster {
  const cluster = new ServiceCluster()
  const service = { name: 'kept', clusterIps: ['127.96.78.1'], targetPort }
  cluster.service(service)
  cluster.endpoints(service, [{ address: '127.77.0.3' }])
  return cluster
}
