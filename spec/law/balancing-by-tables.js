const placeOf = ({ address, port, protocol }) => `${address} ${port} ${protocol}`;
/** What the numbered tables say, in the oracle's words. Throws where a number stands for nothing. */
export function balancingByTables({ frontends, selections, backends }) {
    const known = (number) => {
        const row = backends.get(number);
        if (row === undefined || row.backend !== number)
            throw new Error(`no backend ${number}`);
        return row;
    };
    const membersOf = (number) => {
        const row = selections.get(number);
        if (row === undefined || row.selection !== number)
            throw new Error(`no selection ${number}`);
        return row.members.map(({ backend, weight }) => `${placeOf(known(backend))} *${weight}`).sort();
    };
    return {
        frontends: [...frontends].map(([, row]) => ({
            at: `${placeOf(row)} ${row.scope}`,
            kind: row.kind,
            owner: `${row.namespace}/${row.name}`,
            portName: row.portName,
            members: membersOf(row.selection),
            affinitySeconds: row.affinitySeconds,
            local: row.local,
            ...(row.sourceRanges && { sourceRanges: row.sourceRanges }),
            ...(row.fromBackends !== undefined && {
                ofBackends: row.fromBackends === 0 ? 'untouched' : membersOf(row.fromBackends),
            }),
        })),
        backends: [...backends].map(([, row]) => ({
            at: placeOf(row),
            local: row.local,
            zone: row.zone,
            state: row.state,
        })),
    };
}
const byPlace = (a, b) => a.at < b.at ? -1 : a.at > b.at ? 1 : 0;
/** In one order, for comparing. */
export const sorted = (rows) => [...rows].sort(byPlace);
//# sourceMappingURL=balancing-by-tables.js.map