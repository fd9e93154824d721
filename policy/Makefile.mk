exampledir = $(docdir)/examples
dist_example_DATA = policy/50-example.conf
