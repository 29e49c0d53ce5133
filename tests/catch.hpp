#pragma once
// Catch2, whichever of its two major versions is installed. Tests include this and nothing else
// of Catch2; it is the precompiled header of every test program.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
using Catch::Detail::Approx;
#endif
