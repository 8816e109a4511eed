// Boost.JSON, compiled here so that no library needs linking (Debian ships it under several names).
#include <boost/json/src.hpp>
