import { Engine, protocolNumbers, } from '@weir/core';
/** Numbers events as a log does. */
export class Log {
    events = [];
    add(...bodies) {
        const added = bodies.map((body, index) => ({
            ...body,
            seq: this.events.length + index + 1,
            time: 0,
            source: 'spec',
        }));
        this.events.push(...added);
        return added;
    }
}
/** An engine with a log of its own: facts in, verdicts out. The node is `here`. */
export class Scene {
    log = new Log();
    engine;
    constructor(engine = new Engine()) {
        this.engine = engine;
    }
    apply(...bodies) {
        return this.engine.apply(this.log.add(...bodies));
    }
    /** `port` as `tcp/80`; a bare number is TCP. */
    verdict(from, to, port = 80) {
        return this.engine.verdict({ from, to, ...flowPort(port) });
    }
    /** The peer class of a known address. */
    classOf(address) {
        return this.engine.tables.addresses.get(address).peerClass;
    }
    subjectOf(address) {
        return this.engine.tables.addresses.get(address).subject;
    }
}
export const flowPort = (port) => {
    if (typeof port === 'number')
        return { protocol: 6, port };
    const [protocol, number] = port.split('/');
    const names = { tcp: 'TCP', udp: 'UDP', sctp: 'SCTP', icmp: 'ICMP', icmpv6: 'ICMPv6' };
    return { protocol: protocolNumbers[names[protocol]], port: Number(number) };
};
export const agent = (labelFilter = [], node = 'here') => ({
    kind: 'agent.configured',
    agent: { node, cluster: 'default', labelFilter },
});
/** `path` is `namespace/name`. */
export const pod = (path, labels, address, more = {}) => {
    const [namespace, name] = path.split('/');
    const addresses = typeof address === 'string' ? [address] : address;
    return {
        kind: 'pod.upserted',
        pod: {
            namespace,
            name,
            labels,
            serviceAccount: 'default',
            node: 'here',
            addresses,
            hostNetwork: false,
            ports: [],
            ...more,
        },
    };
};
export const noPod = (path) => {
    const [namespace, name] = path.split('/');
    return { kind: 'pod.deleted', namespace, name };
};
export const namespace = (name, labels) => ({
    kind: 'namespace.upserted',
    namespace: { name, labels },
});
export const node = (name, addresses, more = {}) => ({
    kind: 'node.upserted',
    node: { name, labels: {}, addresses, podCidrs: [], ...more },
});
/** In namespace `a`; selects all pods and says nothing unless told more. */
export const policy = (name, more) => ({
    kind: 'networkpolicy.upserted',
    policy: { namespace: 'a', name, podSelector: [], policyTypes: ['ingress'], ingress: [], egress: [], ...more },
});
export const noPolicy = (name) => ({ kind: 'networkpolicy.deleted', namespace: 'a', name });
/** `app=web` as a requirement; several values are alternatives. */
export const is = (key, ...values) => ({ key, operator: 'In', values });
/** A peer by pod labels, in the policy's namespace. */
export const pods = (...podSelector) => ({ kind: 'pods', podSelector });
export const ipBlock = (cidr, ...except) => ({ kind: 'ipBlock', cidr, except });
export const tcp = (port, endPort) => ({ protocol: 'TCP', port, ...(endPort === undefined ? {} : { endPort }) });
//# sourceMappingURL=log.js.map