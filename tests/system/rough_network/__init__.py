"""
Links on a network that loses, delays and reorders packets: ``python -m tests.system.rough_network``.

Two network namespaces stand for two machines. The kernel's ``netem`` disturbs the packets between them or,
where the kernel lacks it, the program ``router`` does, through TUN devices. The kernels' own TCP runs over
that. ``medium`` makes the network, ``links`` runs the programs on it, ``report`` writes the page.
"""
