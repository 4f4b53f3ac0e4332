# Tells LIVE555's build (pybind11) which Python it is for; left alone it takes the first one in PATH.
set(PYTHON_EXECUTABLE "$ENV{PEER_PYTHON}" CACHE FILEPATH "")
