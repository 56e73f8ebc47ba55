import { Engine } from '@weir/core';
/** An engine that is told of services in few words. */
export class ServiceCluster {
    engine = new Engine();
    constructor(nodeAddresses = []) {
        this.tell({ kind: 'agent.configured', agent: { node: 'here', cluster: 'default', labelFilter: [] } }, { kind: 'node.upserted', node: { name: 'here', labels: {}, addresses: nodeAddresses, podCidrs: [] } });
    }
    tell(...bodies) {
        const { seq } = this.engine;
        return this.engine.apply(bodies.map((body, at) => ({ ...body, seq: seq + 1 + at, time: 0, source: 'test' })));
    }
    service(service) {
        return this.tell(serviceBody(service));
    }
    /** All endpoints of the service, in one family each. */
    endpoints(service, endpoints) {
        return this.tell(sliceBody(service, 'v4', endpoints.filter(({ address }) => !address.includes(':'))), sliceBody(service, 'v6', endpoints.filter(({ address }) => address.includes(':'))));
    }
}
export function serviceBody(service) {
    const { name, clusterIps, port = 80, nodePort, protocol = 'TCP', targetPort = 8080, affinitySeconds } = service;
    return {
        kind: 'service.upserted',
        service: {
            namespace: 'shop',
            name,
            type: nodePort === undefined ? 'ClusterIP' : 'NodePort',
            clusterIps,
            selector: { app: name },
            ports: [{ name: '', protocol, port, targetPort, ...(nodePort !== undefined && { nodePort }) }],
            ...(affinitySeconds !== undefined && { affinitySeconds }),
        },
    };
}
export function sliceBody(service, part, endpoints) {
    const { name, protocol = 'TCP', targetPort = 8080 } = service;
    return {
        kind: 'endpointslice.upserted',
        slice: {
            namespace: 'shop',
            name: `${name}-${part}`,
            service: name,
            endpoints: endpoints.map(({ address, ready = true, terminating = false }) => ({
                addresses: [address],
                ready,
                serving: ready || terminating,
                terminating,
                node: 'here',
            })),
            ports: [{ name: '', protocol, port: targetPort }],
        },
    };
}
//# sourceMappingURL=service-cluster.js.map